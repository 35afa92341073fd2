package sessionsync_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/sessionsync/sessionsync/config"
)

func TestTheReadmesTableOfKeysIsThatOfTheProgram(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(readme), "<!-- config -->\n")
	table, _, found := strings.Cut(table, "<!-- /config -->")
	if !found {
		t.Fatal("README.md has no table between <!-- config --> and <!-- /config -->")
	}
	want := "| key | variable | default |\n| --- | --- | --- |\n"
	for _, k := range config.Keys() {
		want += fmt.Sprintf("| `%s` | `%s` | `%s` |\n", k.Path, k.Env, k.Default)
	}
	if table != want {
		t.Errorf("the table should be:\n%s", want)
	}
}
