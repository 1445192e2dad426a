package questionnaire

import (
	"strings"
	"time"

	"tenon/fhir/definition"
	"tenon/fhir/fhirpath"
	"tenon/fhir/issue"
	"tenon/fhir/schema"
	"tenon/fhir/terminology"
	"tenon/fhir/tree"
)

// Context is what the judgement may use; only Model and Report are always there.
type Context struct {
	Model       *schema.Model
	Library     *definition.Library
	Terminology *terminology.Server
	// Compile compiles an expression, once, with the validator's functions.
	Compile func(expr, root string) (*fhirpath.Expr, error)
	// Resolve finds the target of a reference outside the document.
	Resolve func(reference string) (tree.Node, bool)
	Now     time.Time
	// Report takes an issue; sub is the place below the response, as FHIRPath
	// with a leading dot (".item[0].answer[1].value") or "".
	Report func(sub string, is issue.Issue)
}

// maxIssues bounds what one response may say; the rest would repeat it.
const maxIssues = 500

// Check judges the response. The questionnaire is the one that it names, in its
// own document or contained in the response; finding it, and saying so when it
// can't be found, is the caller's. Work is linear in both documents, but for
// what constraints in FHIRPath spend, which is bounded.
func Check(c *Context, response, questionnaire tree.Node) {
	k := &checker{c: c, form: read(questionnaire), response: response, work: maxWork}
	switch response.Field("status").Str() {
	case "in-progress", "stopped", "entered-in-error":
		k.lenient = true
	}
	k.container = questionnaire
	if questionnaire.Doc() == response.Doc() {
		k.container = response
	}
	k.answers = map[string][]given{}
	k.gather(response)
	k.header()
	root := &place{index: -1}
	k.items(response, root, nil, true)
	k.constraints(response, root, nil)
}

// checker is one judgement.
type checker struct {
	c        *Context
	form     *form
	response tree.Node
	// container is the resource whose contained value sets "#id" means.
	container tree.Node
	lenient   bool
	answers   map[string][]given // by linkId, in document order
	vars      map[string]fhirpath.Collection
	work      int // of FHIRPath that is left
	steps     int
	issues    int
}

// given is one item of the response.
type given struct {
	item       tree.Node
	start, end int // its span in the document
}

// gather notes where each question is answered.
func (k *checker) gather(container tree.Node) {
	for item := range container.Field("item").Items() {
		link := item.Field("linkId").Str()
		start, end := item.Span()
		if link != "" {
			k.answers[link] = append(k.answers[link], given{item, start, end})
		}
		k.gather(item)
		for answer := range item.Field("answer").Items() {
			k.gather(answer)
		}
	}
}

// header judges what the response says of itself against what the
// questionnaire says of its use.
func (k *checker) header() {
	q := k.form.node
	root := &place{index: -1}
	if q.Field("status").Str() == "retired" {
		k.inform(root, issue.BusinessRule, "questionnaire-retired",
			"the questionnaire "+issue.Quote(q.Field("url").Str())+" is retired: use one that is active",
			"问卷 "+issue.Quote(q.Field("url").Str())+" 已停用，请使用有效的问卷")
	}
	if authored := k.response.Field("authored").Str(); authored != "" {
		k.effective(root.child("authored"), authored, q.Field("effectivePeriod"))
	}
	k.subject(root.child("subject"))
}

func (k *checker) effective(at *place, authored string, period tree.Node) {
	start, end := period.Field("start").Str(), period.Field("end").Str()
	if c, ok := compareTimes(authored, start, lowest, lowest); ok && c < 0 {
		k.warn(at, issue.BusinessRule, "questionnaire-not-yet-effective",
			"found "+issue.Quote(authored)+", which is before the questionnaire's period of use begins ("+issue.Quote(start)+")",
			"填写时间 "+issue.Quote(authored)+" 早于问卷的生效开始时间 "+issue.Quote(start))
	}
	if c, ok := compareTimes(authored, end, lowest, highest); ok && c > 0 {
		k.warn(at, issue.BusinessRule, "questionnaire-no-longer-effective",
			"found "+issue.Quote(authored)+", which is after the questionnaire's period of use ends ("+issue.Quote(end)+")",
			"填写时间 "+issue.Quote(authored)+" 晚于问卷的生效结束时间 "+issue.Quote(end))
	}
}

// subject must be of one of the questionnaire's subject types.
func (k *checker) subject(at *place) {
	var types []string
	for t := range k.form.node.Field("subjectType").Items() {
		types = append(types, t.Str())
	}
	found := k.target(k.response.Field("subject"))
	if len(types) == 0 || found == "" || !k.c.Model.IsResource(found) || contains(types, found) {
		return
	}
	k.warn(at, issue.BusinessRule, "questionnaire-subject",
		"found a reference to "+found+", but the questionnaire is about "+strings.Join(types, ", "),
		"引用指向 "+found+"，而该问卷的对象应为 "+strings.Join(types, "、"))
}
