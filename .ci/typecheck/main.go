// Command typecheck type-checks the packages of this module and their tests as another system would compile them, from source: to
// compile all that they need, which go vet does, takes four times as long.
//
//	go run ./.ci/typecheck darwin windows
package main

import (
	"fmt"
	"os"

	"golang.org/x/tools/go/packages"
)

func main() {
	failed := false
	for _, system := range os.Args[1:] {
		found, err := packages.Load(&packages.Config{
			Mode: packages.NeedName | packages.NeedFiles | packages.NeedCompiledGoFiles | packages.NeedImports | packages.NeedDeps |
				packages.NeedTypes | packages.NeedSyntax | packages.NeedTypesInfo | packages.NeedTypesSizes,
			Env:   append(os.Environ(), "GOOS="+system, "CGO_ENABLED=0"),
			Tests: true,
		}, "./...")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println(system, len(found), "packages")
		failed = packages.PrintErrors(found) > 0 || failed
	}
	if failed {
		os.Exit(1)
	}
}
