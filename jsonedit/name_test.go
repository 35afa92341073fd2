package jsonedit

import "testing"

func TestNamesSurviveTheWayThereAndBack(t *testing.T) {
	for _, quoted := range []string{
		`""`, `"a"`, `"\u0061"`, `"é😀"`, `"\ud83d\ude00"`, `"\ud83d"`, `"\ude00\ud83d"`, `"a\ud83d\n\"b\\\ude00c"`, `"\ud83d\ud83d\ude00"`,
		`"\\ud83d"`, `"\uD83Dx"`, `"�"`, `"\u0000"`, `"\ud83d\u0061"`,
	} {
		name := unquote([]byte(quoted))
		if again := unquote(Quote(name)); again != name {
			t.Errorf("%s became %q and then %q", quoted, name, again)
		}
		if !nameIs([]byte(quoted), name) {
			t.Errorf("%s is not named %q", quoted, name)
		}
	}
	if got := string(Quote("a\xff\xed")); got != "\"a\uFFFD\uFFFD\"" {
		t.Errorf("what is not UTF-8: %q", got)
	}
}
