package tree_test

import (
	"encoding/json"
	"testing"
	"time"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
)

func TestSplice(t *testing.T) {
	when := time.Date(2026, 3, 4, 13, 6, 7, 8_900_000, time.FixedZone("CST", 8*3600))
	const stamp = `"2026-03-04T05:06:07.008Z"`
	for _, tc := range []struct{ name, src, want string }{
		{"nothing there", `{"resourceType":"Patient"}`,
			`{"resourceType":"Patient","id":"p1","meta":{"versionId":"7","lastUpdated":` + stamp + `}}`},
		{"resourceType last", `{"active":true,"resourceType":"Patient"}`,
			`{"active":true,"resourceType":"Patient","id":"p1","meta":{"versionId":"7","lastUpdated":` + stamp + `}}`},
		{"id there", `{"id":"old","resourceType":"Patient"}`,
			`{"id":"p1","meta":{"versionId":"7","lastUpdated":` + stamp + `},"resourceType":"Patient"}`},
		{"meta empty", `{"resourceType":"Patient","id":"p1","meta":{ }}`,
			`{"resourceType":"Patient","id":"p1","meta":{"versionId":"7","lastUpdated":` + stamp + `}}`},
		{"meta with profile first", `{"meta":{"profile":["http://x"]},"resourceType":"Patient"}`,
			`{"meta":{"versionId":"7","lastUpdated":` + stamp + `,"profile":["http://x"]},"resourceType":"Patient","id":"p1"}`},
		{"meta last, client's version replaced", `{"resourceType":"Patient","id":"a","meta":{"versionId":"99","tag":[],"lastUpdated":"1999-01-01T00:00:00Z"}}`,
			`{"resourceType":"Patient","id":"p1","meta":{"versionId":"7","tag":[],"lastUpdated":` + stamp + `}}`},
		{"only versionId", `{"resourceType":"Patient","id":"a","meta":{"tag":[1],"versionId":5}}`,
			`{"resourceType":"Patient","id":"p1","meta":{"tag":[1],"versionId":"7","lastUpdated":` + stamp + `}}`},
		{"only lastUpdated", `{"resourceType":"Patient","id":"a","meta":{"lastUpdated":null}}`,
			`{"resourceType":"Patient","id":"p1","meta":{"versionId":"7","lastUpdated":` + stamp + `}}`},
		{"layout kept", "{\n  \"resourceType\" : \"Patient\",\n  \"multipleBirthInteger\":  3 ,\"x\":1.00\n}\n",
			"{\n  \"resourceType\" : \"Patient\",\n  \"id\" : \"p1\",\n  \"meta\" : {\"versionId\":\"7\",\"lastUpdated\":" + stamp + "},\n  \"multipleBirthInteger\":  3 ,\"x\":1.00\n}\n"},
		{"layout of meta kept", "{\"resourceType\": \"Patient\",\"id\": \"q\",\"meta\": {\n    \"source\": \"s\"\n}}",
			"{\"resourceType\": \"Patient\",\"id\": \"p1\",\"meta\": {\n    \"versionId\": \"7\",\n    \"lastUpdated\": " + stamp + ",\n    \"source\": \"s\"\n}}"},
		{"contained keeps its own", `{"resourceType":"Patient","contained":[{"resourceType":"Group","id":"g","meta":{"versionId":"2"}}],"id":"x"}`,
			`{"resourceType":"Patient","contained":[{"resourceType":"Group","id":"g","meta":{"versionId":"2"}}],"id":"p1","meta":{"versionId":"7","lastUpdated":` + stamp + `}}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := parse(t, tc.src)
			got, err := tree.Splice(d, "p1", "7", when)
			if err != nil || string(got) != tc.want {
				t.Errorf("Splice(%s)\n = %s, %v\nwant %s", tc.src, got, err, tc.want)
			}
			if string(d.Src()) != tc.src {
				t.Error("Splice wrote to the source")
			}
			again, err := tree.Splice(parse(t, string(got)), "p1", "7", when)
			if err != nil || string(again) != string(got) {
				t.Errorf("Splice is not stable: %s, %v", again, err)
			}
		})
	}
}

func TestSpliceRefuses(t *testing.T) {
	for _, src := range []string{`[]`, `{}`, `{"resourceType":3}`, `{"resourceType":""}`, `"Patient"`,
		`{"resourceType":"Patient","meta":[]}`, `{"resourceType":"Patient","meta":null}`} {
		if _, err := tree.Splice(parse(t, src), "a", "1", time.Time{}); issue.As(err) == nil {
			t.Errorf("Splice(%s) = %v, want an issue", src, err)
		}
	}
	if _, err := tree.Splice(new(tree.Doc), "a", "1", time.Time{}); issue.As(err) == nil {
		t.Error("Splice of an empty Doc is no issue")
	}
}

func TestSpliceQuotes(t *testing.T) {
	got, err := tree.Splice(parse(t, `{"resourceType":"X"}`), `a"<\`, "1", time.Time{})
	if err != nil || !json.Valid(got) || parse(t, string(got)).Root().Field("id").Str() != `a"<\` {
		t.Errorf("Splice = %s, %v", got, err)
	}
}

func TestApply(t *testing.T) {
	src := []byte("0123456789")
	for _, tc := range []struct {
		edits []tree.Edit
		want  string
	}{
		{nil, "0123456789"},
		{[]tree.Edit{{5, 6, []byte("x")}, {0, 1, nil}}, "1234x6789"},
		{[]tree.Edit{{3, 3, []byte("a")}, {3, 3, []byte("b")}, {10, 10, []byte("!")}}, "012ab3456789!"},
		{[]tree.Edit{{0, 10, []byte("all")}}, "all"},
	} {
		if got := string(tree.Apply(src, tc.edits)); got != tc.want {
			t.Errorf("Apply(%v) = %s, want %s", tc.edits, got, tc.want)
		}
	}
	var many []tree.Edit
	for c := 'a'; c <= 'z'; c++ {
		many = append(many, tree.Edit{Start: 5 - int(c%2), End: 5 - int(c%2), With: []byte{byte(c)}})
	}
	if got, want := string(tree.Apply(src, many)), "0123acegikmoqsuwy4bdfhjlnprtvxz56789"; got != want {
		t.Errorf("Apply of many edits at two places = %s, want %s", got, want)
	}
	for _, bad := range [][]tree.Edit{{{0, 3, nil}, {2, 4, nil}}, {{5, 4, nil}}, {{9, 11, nil}}, {{-1, 0, nil}}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("Apply(%v) does not panic", bad)
				}
			}()
			tree.Apply(src, bad)
		}()
	}
}
