package index_test

import (
	"slices"
	"testing"

	"tenon/dicomweb/dicom"
	"tenon/dicomweb/index"
)

func TestNormaliseDate(t *testing.T) {
	for value, want := range map[string]string{
		"20040119": "20040119", "2004.01.19": "20040119", " 20040119 ": "20040119",
		"20041319": "", "20040100": "", "2004": "", "": "", "2004011x": "",
	} {
		if got := index.NormaliseDate(value); got != want {
			t.Errorf("NormaliseDate(%q) = %q, want %q", value, got, want)
		}
	}
}

func TestNormaliseTime(t *testing.T) {
	for _, c := range []struct{ value, low, high string }{
		{"10", "100000", "105959.999999"},
		{"1015", "101500", "101559.999999"},
		{"10:15", "101500", "101559.999999"},
		{"101530", "101530", "101530.999999"},
		{"101530.250000", "101530.25", "101530.25"},
		{"101530.0", "101530", "101530"},
		{"24", "", ""},
		{"1060", "", ""},
		{"101530.", "", ""},
		{"10.5", "", ""},
		{"1", "", ""},
	} {
		if got := index.NormaliseTime(c.value, '0'); got != c.low {
			t.Errorf("NormaliseTime(%q, 0) = %q, want %q", c.value, got, c.low)
		}
		if got := index.NormaliseTime(c.value, '9'); got != c.high {
			t.Errorf("NormaliseTime(%q, 9) = %q, want %q", c.value, got, c.high)
		}
	}
}

func TestFoldNames(t *testing.T) {
	for name, want := range map[string][]string{
		"Wang^XiaoDong=王^小东=":  {"wang^xiaodong", "王^小东"},
		"SMITH^John^^^":        {"smith^john"},
		" de  la Cruz ^ Ana":   {"de la cruz^ana"},
		"":                     nil,
		"A=a=A":                {"a"},
		"Yamada^Tarou=山田^太郎=ヤ": {"yamada^tarou", "山田^太郎", "ヤ"},
	} {
		if got := index.FoldNames(name); !slices.Equal(got, want) {
			t.Errorf("FoldNames(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestAttributesAreColumnsOfTheDictionary(t *testing.T) {
	type column struct {
		level index.Level
		name  string
	}
	seen, tags := map[column]bool{}, map[dicom.Tag]bool{}
	for _, a := range index.Attributes {
		if _, ok := dicom.Lookup(a.Tag); !ok {
			t.Errorf("%v is not in the dictionary", a.Tag)
		}
		if c := (column{a.Level, a.Column}); seen[c] || tags[a.Tag] {
			t.Errorf("%v %v is listed twice", a.Tag, c)
		}
		seen[column{a.Level, a.Column}], tags[a.Tag] = true, true
		var r index.Result
		switch f := a.Field(&r).(type) {
		case *string:
			if a.Kind == index.Integer {
				t.Errorf("%v is an integer without a **int64", a.Tag)
			}
		case **int64:
			if a.Kind != index.Integer {
				t.Errorf("%v is text with a **int64", a.Tag)
			}
		default:
			t.Errorf("Field of %v is %T", a.Tag, f)
		}
	}
}
