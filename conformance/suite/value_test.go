package suite

import (
	"encoding/json"
	"strings"
	"testing"
)

func decoded(t *testing.T, text string) any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

const searchset = `{"resourceType":"Bundle","type":"searchset","total":2,"link":[{"relation":"self","url":"http://h/f/P?a=1"}],"entry":[
	{"fullUrl":"http://h/f/P/1","resource":{"resourceType":"P","id":"1","name":[{"given":["A","B"]},{"given":["C"]}],"n":1.00},"search":{"mode":"match"}},
	{"fullUrl":"http://h/f/P/2","resource":{"resourceType":"P","id":"2"}},
	{"fullUrl":"http://h/f/Q/3","resource":{"resourceType":"Q","id":"3"},"search":{"mode":"include"}}]}`

func TestPick(t *testing.T) {
	v := decoded(t, searchset)
	for _, tt := range []struct{ path, want string }{
		{"type", "searchset"},
		{"entry.resource.id", "1 2 3"},
		{"entry[1].resource.id", "2"},
		{"entry[-1].resource.id", "3"},
		{"entry[7].resource.id", ""},
		{"entry[search.mode=include].resource.id", "3"},
		{"entry[fullUrl=http://h/f/P/2].resource.id", "2"},
		{"entry.resource.name.given", "A B C"},
		{"entry.resource.name[1].given[0]", "C"},
		{"entry.resource.n", "1.00"},
		{"none.at.all", ""},
		{"type.deeper", ""},
	} {
		if got := strings.Join(texts(pick(v, tt.path)), " "); got != tt.want {
			t.Errorf("pick(%s) = %q, want %q", tt.path, got, tt.want)
		}
	}
}

func TestCompare(t *testing.T) {
	for _, tt := range []struct {
		values   []string
		op, want string
		good     bool
	}{
		{nil, "absent", "", true}, {[]string{"a"}, "absent", "", false},
		{nil, "exists", "", false}, {[]string{"a"}, "exists", "", true},
		{[]string{"a"}, "=", "a", true}, {[]string{"a", "a"}, "=", "a", false}, {nil, "=", "a", false},
		{[]string{"a", "b"}, "has", "b", true}, {[]string{"a"}, "has", "b", false},
		{[]string{"a"}, "lacks", "b", true}, {[]string{"b"}, "lacks", "b", false}, {nil, "lacks", "b", true},
		{[]string{"a", "a"}, "all", "a", true}, {nil, "all", "a", false}, {[]string{"a", "b"}, "all", "a", false},
		{[]string{"a", "b"}, "list", "a b", true}, {[]string{"b", "a"}, "list", "a b", false},
		{[]string{"abc"}, "~", "^a", true}, {[]string{"abc"}, "~", "^b", false}, {[]string{"abc"}, "!~", "^b", true}, {[]string{"abc"}, "~", "(", false},
		{[]string{"a", "b"}, "count", "2", true}, {nil, "count", "0", true}, {nil, "like", "", false},
	} {
		if got := compare(tt.values, tt.op, tt.want); (got == "") != tt.good {
			t.Errorf("compare(%q, %s, %q) = %q, want good: %v", tt.values, tt.op, tt.want, got, tt.good)
		}
	}
}

func TestEntriesByMode(t *testing.T) {
	x := &exchange{refs: map[string]string{"P/1": "one", "Q/3": "three"}}
	a := &answer{body: decoded(t, searchset)}
	if got := list(x.entries(a, "match")); got != "one, P/2" {
		t.Errorf("matches = %s, want one, P/2: an entry without a mode is a match, one without a name is shown", got)
	}
	if got := list(x.entries(a, "include")); got != "three" {
		t.Errorf("includes = %s, want three", got)
	}
}

func TestFromXML(t *testing.T) {
	v, err := fromXML([]byte(`<Bundle xmlns="http://hl7.org/fhir"><type value="searchset"/><entry><resource><Patient><id value="1"/><name><given value="A &amp; B"/><given value="C"/></name></Patient></resource></entry></Bundle>`))
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"resourceType": "Bundle", "type": "searchset", "entry.resource.resourceType": "Patient", "entry.resource.id": "1", "entry.resource.name.given": "A & B C",
	} {
		if got := strings.Join(texts(pick(v, path)), " "); got != want {
			t.Errorf("%s = %q, want %q", path, got, want)
		}
	}
	for _, bad := range []string{"", "<Patient/>", `<Patient xmlns="http://hl7.org/fhir"><id value="1"/>`, `<Patient xmlns="http://example.org"/>`} {
		if _, err := fromXML([]byte(bad)); err == nil {
			t.Errorf("fromXML(%q) is read", bad)
		}
	}
}

func TestEscape(t *testing.T) {
	for in, want := range map[string]string{
		"a=b&c=d,e":    "a=b&c=d,e",
		"t=u|v":        "t=u%7Cv",
		"d=1+02:00":    "d=1%2B02:00",
		"n=张":          "n=%E5%BC%A0",
		`f=x eq "y\,"`: "f=x%20eq%20%22y%5C,%22",
		"k=%2B":        "k=%2B",
	} {
		if got := escape(in); got != want {
			t.Errorf("escape(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestReference(t *testing.T) {
	for in, want := range map[string]string{
		"http://h/fhir/Patient/1/_history/2": "Patient/1", "Patient/1": "Patient/1", "/fhir/Patient/1": "Patient/1", "": "", "http://h/x/1": "", "Patient": "",
	} {
		if got := reference(in); got != want {
			t.Errorf("reference(%q) = %q, want %q", in, got, want)
		}
	}
}
