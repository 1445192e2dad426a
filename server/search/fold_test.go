package search_test

import (
	"math/rand/v2"
	"testing"

	"tenon/server/search"
)

// https://hl7.org/fhir/R4/search.html#string: case, accents, punctuation and
// surplus white space do not count.
func TestFold(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"Eve", "eve"},
		{"  van \t der  Berg ", "van der berg"},
		{"Åse Ñuñez Øre", "ase nunez ore"},
		{"Łódź", "lodz"},
		{"Straße", "strasse"},
		{"O'Brien", "obrien"},
		{"Smith-Jones", "smithjones"},
		{"张三", "张三"},
		{"ＡＢＣ１２", "abc12"},
		{"北京市（海淀区）", "北京市海淀区"},
		{"がぎ", "がぎ"},
		{"한글", "한글"},
		{"Ελλάς", "ελλασ"},
		{"مُحَمَّد", "محمد"},
		{"---", "---"},
		{"", ""},
		{"e\u0301", "e"},
	} {
		if got := search.Fold(c.in); got != c.want {
			t.Errorf("Fold(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}

func FuzzFold(f *testing.F) {
	for _, s := range []string{"Åse", "张三", "---", "\xff\xfe", "ﬁ", "a\u0300\u0301"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		once := search.Fold(s)
		if s != "" && once != "" && search.Fold(once) != once {
			t.Errorf("Fold(Fold(%q)) = %q, want %q", s, search.Fold(once), once)
		}
	})
}

// TestFoldASCII holds the short way of plain texts to the general one, which a
// character of another script asks for.
func TestFoldASCII(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		b := []byte{'x'}
		for range random.IntN(12) {
			b = append(b, byte(random.IntN(128)))
		}
		b = append(b, 'Y')
		if got, want := search.Fold(string(b))+"张", search.Fold(string(b)+"张"); got != want {
			t.Fatalf("Fold(%q) = %q, want %q", b, got, want)
		}
	}
}
