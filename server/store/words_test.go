package store_test

import (
	"strings"
	"testing"

	"tenon/server/search"
)

// https://hl7.org/fhir/R4/search.html#content: _text is the narrative, _content
// all that people read.
func TestFullText(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		narrative := func(id, div, rest string) string {
			return `{"resourceType":"Condition","id":"` + id + `","text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">` + strings.ReplaceAll(div, `"`, `\"`) + `</div>"}` + rest + `}`
		}
		w.hold(
			narrative("a", `<p>Acute knee pain</p><p>after <b>run</b>ning &amp; jumping</p>`, `,"code":{"text":"Gonalgia"}`),
			narrative("b", `<table><tr><td>knee</td><td>Schmerz: pain</td></tr></table><!-- secret -->`, `,"note":[{"text":"Prothese für das Knie"}]`),
			narrative("c", `患者右膝关节疼痛，CT检查未见骨折。`, `,"code":{"coding":[{"system":"http://snomed.info/sct","code":"30989003","display":"Knee pain"}]}`),
			narrative("d", `<p title="hidden">左侧髋关节置换术后</p>`, `,"note":[{"text":"关节\n疼"},{"text":"bone metastases"}]`),
			`{"resourceType":"Condition","id":"e","language":"metastases","subject":{"reference":"Patient/liver","display":"王小明"},"note":[{"text":"liver"},{"text":"metastases; bone"}]}`,
			`{"resourceType":"Condition","id":"f","contained":[{"resourceType":"Practitioner","id":"x","name":[{"family":"Ångström"}]}],"extension":[{"url":"urn:word","valueString":"tucked away"}]}`,
			`{"resourceType":"Patient","id":"p","name":[{"text":"王小明"}]}`)
		for query, want := range map[string]string{
			"_text=knee":             "a b",
			"_content=knee":          "a b c",
			"_text=knee pain":        "a b",
			`_text="knee pain"`:      "a",
			`_content="knee pain"`:   "a c",
			"_content=KNEE AND Pain": "a b c",
			"_text=running":          "a",
			"_text=run":              "",
			"_text=jumping":          "a",
			"_text=amp":              "",
			"_text=secret":           "",
			"_content=hidden":        "",
			"_text=gonalgia":         "",
			"_content=gonalgia":      "a",
			"_content=fur":           "b",
			"_content=für":           "b",
			"_text=关节":               "c d",
			"_text=膝关节":              "c",
			"_content=关节疼":           "c",
			"_text=关节疼痛":             "c",
			"_text=节":                "c d",
			"_text=折":                "c",
			"_text=痛":                "c",
			"_text=CT检查":             "c",
			"_text=检查CT":             "",
			"_text=疼痛 骨折":            "c",
			`_text="疼痛 骨折"`:          "",
			`_text=疼痛 -骨折`:           "",
			"_text=关节 -疼痛":           "d",
			"_text=关节 NOT 疼痛":        "d",
			"_text=髋 OR knee":        "a b d",
			"_text=髋,knee":           "a b d",
			"_content=(bone OR liver) and metastases":     "d e",
			"_content=bone OR liver metastases":           "d e",
			`_content="bone metastases"`:                  "d",
			`_content="liver metastases"`:                 "",
			"_content=metastases -(bone OR x)":            "",
			"_content=metastases NOT liver":               "d",
			"_content=NOT pain":                           "d e f",
			"_content=30989003":                           "",
			"_content=snomed":                             "",
			"_content=王小明":                                "e",
			"_content=angstrom":                           "f",
			"_content=tucked":                             "f",
			"_content=urn":                                "",
			"_text=knee&_content=prothese":                "b",
			"_content=knee&_sort=-_id":                    "c b a",
			"_content=knee&_count=2&_include=*":           "a b",
			"_content=pain&_text=schmerz&_total=accurate": "b",
		} {
			if got := w.ask("Condition?" + encoded(t, query)); got != want {
				t.Errorf("%s finds %q, want %q", query, got, want)
			}
		}
		w.check(t, map[string]string{
			"Patient?_content=小明":                                 "p",
			"?_type=Patient,Condition&_content=王小明":               "e p",
			"Patient?_has:Condition:subject:_content=x":           "",
			"Condition?subject:Patient._content=王小明":              "",
			"Condition?subject:Patient._text=王小明":                 "",
			"Condition?_filter=_content%20co%20%22knee%20pain%22": "a c",
		})
		w.at = w.at.Add(1)
		w.change(2, "Condition", "a", narrative("a", "elbow", ""))
		w.change(2, "Condition", "b", "")
		w.check(t, map[string]string{"Condition?_text=knee": "", "Condition?_text=elbow": "a", "Condition?_content=gonalgia": "", "Condition?_content=knee": "c"})
		for _, bad := range []string{"_text=", "_text=()", "_text=(a", "_text=a)", "_text=a OR", "_text=OR a", "_text=AND a", "_text=-", "_text=NOT", `_text=""`, "_text:exact=a", "_content:contains=a", "_content:missing=true",
			"_text=a,", "_sort=_text", "_sort=_content", "_content=" + strings.Repeat("(", 200) + "a", "_content=" + strings.Repeat("a ", 200), "_content=" + strings.Repeat("NOT ", 100) + "a"} {
			if _, _, err := w.plan("Condition?" + encoded(t, bad)); err == nil {
				t.Errorf("Parse(%s) is taken", bad)
			}
		}
	})
}

// encoded is a query whose values are written as they are.
func encoded(t *testing.T, query string) string {
	t.Helper()
	var params []search.Param
	for _, p := range strings.Split(query, "&") {
		name, value, _ := strings.Cut(p, "=")
		params = append(params, search.Param{Name: name, Value: value})
	}
	return search.EncodeQuery(params)
}
