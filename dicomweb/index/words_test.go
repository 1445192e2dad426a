package index_test

import (
	"slices"
	"strings"
	"testing"

	"tenon/dicomweb/index"
)

// fits is the definition of words.go, word for word.
func fits(f *index.Fuzzy, words []string) bool {
	begins := func(p string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.HasPrefix(w, p) })
	}
	return f != nil && (begins(f.Whole) || !slices.ContainsFunc(f.Each, func(p string) bool { return !begins(p) }))
}

func TestFuzzy(t *testing.T) {
	for _, c := range []struct {
		name, asked string
		want        bool
	}{
		{"Wang^XiaoDong=王^小东", "wang", true},
		{"Wang^XiaoDong=王^小东", "xiaodong wang", true},
		{"Wang^XiaoDong=王^小东", "Wang Xiao Dong", true},
		{"Wang^XiaoDong=王^小东", "XIAO", true},
		{"Wang^XiaoDong=王^小东", "dong", false},
		{"Wang^XiaoDong=王^小东", "王小东", true},
		{"Wang^XiaoDong=王^小东", "小东", true},
		{"Wang^XiaoDong=王^小东", "王小", true},
		{"Wang^XiaoDong=王^小东", "王^小东", true},
		{"Wang^XiaoDong=王^小东", "李小东", false},
		{"Zhao^Xi'an", "zhao xian", true},
		{"Zhao^Xi'an", "zhao xi’an", true},
		{"Müller^José^^Dr.", "jose muller", true},
		{"Müller^José^^Dr.", "MÜLL*", true},
		{"Smith-Jones^Anna", "jones", true},
		{"Yamada^Tarou=山田^太郎=やまだ^たろう", "ヤマダ", true},
		{"Yamada^Tarou=山田^太郎=やまだ^たろう", "太郎", true},
		{"YAMADA^TAROU=ﾔﾏﾀﾞ^ﾀﾛｳ", "やまだ", true},
		{"Hong^Gildong=洪^吉洞=홍^길동", "홍길동", true},
		{"Smith^Anna", "smith bob", false},
		{"Smith^Anna", "mith", false},
		{"Smith^Anna", "***", false},
		{"", "a", false},
	} {
		if got := fits(index.FuzzyOf(c.asked), index.Words(c.name)); got != c.want {
			t.Errorf("%q finds %q = %v, want %v (words %q)", c.asked, c.name, got, c.want, index.Words(c.name))
		}
	}
	if n := len(index.Words(strings.Repeat("a b c d ", 1000))); n > index.MaxWords {
		t.Errorf("%d words", n)
	}
}
