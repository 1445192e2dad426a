package questionnaire_test

import (
	"slices"
	"strings"
	"testing"

	"tenon/fhir/issue"
	"tenon/fhir/questionnaire"
	"tenon/fhir/tree"
	"tenon/profiles/r4"
)

// check judges a response of these items by a questionnaire of those and gives
// the issues as "severity rule place". Quotes are written ' in both.
func check(t *testing.T, status, form, response string) []string {
	t.Helper()
	q := `{'resourceType':'Questionnaire','url':'http://example.org/Questionnaire/q','status':'active',` + form + `}`
	r := `{'resourceType':'QuestionnaireResponse','questionnaire':'http://example.org/Questionnaire/q','status':'` + status + `',` + response + `}`
	return judge(t, node(t, r), node(t, q))
}

func judge(t *testing.T, response, form tree.Node) []string {
	t.Helper()
	var got []string
	questionnaire.Check(&questionnaire.Context{
		Model: r4.Model(),
		Report: func(sub string, is issue.Issue) {
			if is.Text == "" || is.Chinese == "" || is.Type == "" || is.Rule == "" {
				t.Errorf("issue %+v lacks a text, type or rule", is)
			}
			got = append(got, strings.TrimSpace(string(is.Severity)+" "+is.Rule+" "+sub))
		},
	}, response, form)
	return got
}

func node(t testing.TB, src string) tree.Node {
	t.Helper()
	d, err := tree.Parse([]byte(strings.ReplaceAll(src, "'", `"`)))
	if err != nil {
		t.Fatalf("%v in %.300s", err, src)
	}
	return d.Root()
}

const (
	ext = `{'url':'http://hl7.org/fhir/StructureDefinition/`
	sdc = `{'url':'http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-`
)

// one makes a form with one item "a" of these members, and an answer to it.
func one(members string) string    { return `'item':[{'linkId':'a',` + members + `}]` }
func said(answers string) string   { return `'item':[{'linkId':'a','answer':[` + answers + `]}]` }
func with(ext, rest string) string { return one(`'extension':[` + ext + `],` + rest) }

type judged struct {
	name           string
	form, response string
	want           []string
}

func run(t *testing.T, status string, table []judged) {
	t.Helper()
	for _, c := range table {
		t.Run(c.name, func(t *testing.T) {
			if got := check(t, status, c.form, c.response); !slices.Equal(got, c.want) {
				t.Errorf("Check = %q, want %q", got, c.want)
			}
		})
	}
}

func list(s ...string) []string { return s }

const group = `'item':[{'linkId':'g','type':'group','item':[
	{'linkId':'a','type':'string','required':true},{'linkId':'b','type':'string','repeats':true}]}]`

func TestStructure(t *testing.T) {
	run(t, "completed", []judged{
		{"all right", group, `'item':[{'linkId':'g','item':[{'linkId':'a','answer':[{'valueString':'x'}]},{'linkId':'b','answer':[{'valueString':'1'},{'valueString':'2'}]}]}]`, nil},
		{"unknown linkId", group, `'item':[{'linkId':'z'}]`, list("error questionnaire-link-unknown")},
		{"unknown linkId in a group", group, `'item':[{'linkId':'g','item':[{'linkId':'a','answer':[{'valueString':'x'}]},{'linkId':'z'}]}]`,
			list("error questionnaire-link-unknown .item[0]")},
		{"misplaced", group, `'item':[{'linkId':'a','answer':[{'valueString':'x'}]}]`, list("error questionnaire-link-misplaced")},
		{"misplaced is judged none the less", group, `'item':[{'linkId':'a','answer':[{'valueInteger':1}]}]`,
			list("error questionnaire-link-misplaced", "error questionnaire-answer-type .item[0].answer[0].value")},
		{"out of order", group, `'item':[{'linkId':'g','item':[{'linkId':'b'},{'linkId':'a','answer':[{'valueString':'x'}]}]}]`, list("error questionnaire-order .item[0]")},
		{"answer in a group", group, `'item':[{'linkId':'g','answer':[{'valueString':'x'}],'item':[{'linkId':'a','answer':[{'valueString':'x'}]}]}]`,
			list("error questionnaire-group-answer .item[0]")},
		{"required in a group", group, `'item':[{'linkId':'g','item':[{'linkId':'b','answer':[{'valueString':'x'}]}]}]`, list("error questionnaire-required .item[0]")},
		{"required, item without answer", group, `'item':[{'linkId':'g','item':[{'linkId':'a'}]}]`, list("error questionnaire-required .item[0].item[0]")},
		{"group that is not there requires nothing", group, `'id':'x'`, nil},
		{"group twice", group, `'item':[{'linkId':'g','item':[{'linkId':'a','answer':[{'valueString':'x'}]}]},{'linkId':'g','item':[{'linkId':'a','answer':[{'valueString':'x'}]}]}]`,
			list("error questionnaire-repeats")},
		{"two answers", one(`'type':'string'`), said(`{'valueString':'x'},{'valueString':'y'}`), list("error questionnaire-repeats .item[0]")},
		{"two items of one question", one(`'type':'string'`), `'item':[{'linkId':'a','answer':[{'valueString':'x'}]},{'linkId':'a','answer':[{'valueString':'y'}]}]`,
			list("error questionnaire-repeats")},
		{"required question", one(`'type':'string','required':true`), `'id':'x'`, list("error questionnaire-required")},
		{"required group", `'item':[{'linkId':'g','type':'group','required':true,'item':[{'linkId':'a','type':'string'}]}]`, `'item':[{'linkId':'g'}]`,
			list("error questionnaire-required .item[0]")},
		{"required display", one(`'type':'display','required':true`), `'item':[{'linkId':'a'}]`, nil},
		{"answered display", one(`'type':'display'`), said(`{'valueString':'x'}`), list("error questionnaire-display .item[0]")},
		{"item in a display", one(`'type':'display'`), `'item':[{'linkId':'a','item':[{'linkId':'b'}]}]`, list("error questionnaire-display .item[0]")},
		{"item directly below a question", one(`'type':'string','item':[{'linkId':'b','type':'string'}]`), `'item':[{'linkId':'a','item':[{'linkId':'b'}]}]`,
			list("error questionnaire-nested-item .item[0]")},
		{"item below an answer", one(`'type':'string','item':[{'linkId':'b','type':'string','required':true}]`), said(`{'valueString':'x','item':[{'linkId':'b','answer':[{'valueString':'x'}]}]}`), nil},
		{"required below an answer", one(`'type':'string','repeats':true,'item':[{'linkId':'b','type':'string','required':true}]`),
			said(`{'valueString':'x','item':[{'linkId':'b','answer':[{'valueString':'x'}]}]},{'valueString':'y'}`), list("error questionnaire-required .item[0].answer[1]")},
		{"wrong type below an answer", one(`'type':'string','item':[{'linkId':'b','type':'string'}]`), said(`{'valueString':'x','item':[{'linkId':'b','answer':[{'valueBoolean':true}]}]}`),
			list("error questionnaire-answer-type .item[0].answer[0].item[0].answer[0].value")},
		{"text of another question", one(`'type':'string','text':'Age?'`), `'item':[{'linkId':'a','text':'Name?'}]`, list("error questionnaire-text .item[0]")},
		{"translated text", one(`'type':'string','text':'Age?','_text':{'extension':[` + ext + `translation','extension':[{'url':'lang','valueCode':'zh'},{'url':'content','valueString':'年龄？'}]}]}`),
			`'item':[{'linkId':'a','text':'年龄？'}]`, nil},
		{"too few answers", with(ext+`questionnaire-minOccurs','valueInteger':2}`, `'type':'string','repeats':true`), said(`{'valueString':'x'}`), list("error questionnaire-min-occurs .item[0]")},
		{"too few answers, none", with(ext+`questionnaire-minOccurs','valueInteger':2}`, `'type':'string','repeats':true`), `'item':[{'linkId':'a'}]`, list("error questionnaire-min-occurs .item[0]")},
		{"too few answers, no item", with(ext+`questionnaire-minOccurs','valueInteger':2}`, `'type':'string','repeats':true`), `'id':'x'`, list("error questionnaire-required")},
		{"too many answers", with(ext+`questionnaire-maxOccurs','valueInteger':2}`, `'type':'string','repeats':true`), said(`{'valueString':'x'},{'valueString':'y'},{'valueString':'z'}`),
			list("error questionnaire-max-occurs .item[0]")},
		{"too many groups", `'item':[{'linkId':'g','type':'group','repeats':true,'extension':[` + ext + `questionnaire-maxOccurs','valueInteger':1}],'item':[{'linkId':'a','type':'string'}]}]`,
			`'item':[{'linkId':'g','item':[{'linkId':'a'}]},{'linkId':'g','item':[{'linkId':'a'}]}]`, list("error questionnaire-max-occurs")},
	})
}

func TestStatus(t *testing.T) {
	form, missing := one(`'type':'string','required':true`), `'id':'x'`
	for status, want := range map[string]string{
		"completed": "error", "amended": "error",
		"in-progress": "warning", "stopped": "warning", "entered-in-error": "warning",
	} {
		if got := check(t, status, form, missing); !slices.Equal(got, list(want+" questionnaire-required")) {
			t.Errorf("a missing answer when %s = %q, want %s", status, got, want)
		}
		if got := check(t, status, form, said(`{'valueString':'x'},{'valueString':'y'}`)); !slices.Equal(got, list("error questionnaire-repeats .item[0]")) {
			t.Errorf("two answers when %s = %q, want an error", status, got)
		}
	}
}

func TestUse(t *testing.T) {
	form := one(`'type':'string'`)
	run(t, "completed", []judged{
		{"before its period", form + `,'effectivePeriod':{'start':'2022'}`, `'authored':'2021-12-12'`, list("warning questionnaire-not-yet-effective .authored")},
		{"after its period", form + `,'effectivePeriod':{'end':'2021-12-11'}`, `'authored':'2021-12-12'`, list("warning questionnaire-no-longer-effective .authored")},
		{"on its last day", form + `,'effectivePeriod':{'start':'2021','end':'2021-12-12'}`, `'authored':'2021-12-12T23:00:00+08:00'`, nil},
		{"subject of another type", form + `,'subjectType':['Patient','Device']`, `'subject':{'reference':'Group/1'}`, list("warning questionnaire-subject .subject")},
		{"subject of a right type", form + `,'subjectType':['Patient','Device']`, `'subject':{'reference':'Device/1'}`, nil},
	})
	q := `{'resourceType':'Questionnaire','url':'http://example.org/q','status':'retired',` + form + `}`
	r := `{'resourceType':'QuestionnaireResponse','status':'completed'}`
	if got := judge(t, node(t, r), node(t, q)); !slices.Equal(got, list("information questionnaire-retired")) {
		t.Errorf("a retired questionnaire = %q", got)
	}
}
