package questionnaire

import (
	"regexp"
	"strconv"

	"tenon/fhir/tree"
)

// open tells whether the question takes free text besides its options.
func (q *question) open() bool {
	return q.kind == "open-choice" || q.openness == "optionsOrString"
}

// form is a questionnaire, read once.
type form struct {
	node      tree.Node
	questions []*question // at the top
	first     map[string]*question
	below     map[position]*question
	rules     *limits
}

// position is a linkId among its siblings, so that 10,000 of them are found at
// once.
type position struct {
	parent *question // nil at the top
	linkID string
}

// question is an item: a question, a group or a text to display.
type question struct {
	node              tree.Node
	parent            *question
	linkID, kind      string
	required, repeats bool
	order             int // among its siblings
	children          []*question
	when              []tree.Node
	any               bool // enableBehavior
	options           []option
	valueSet          string
	*limits
	pattern   *regexp.Regexp // of regex, once regexRead
	regexRead bool
}

// option is a permitted answer.
type option struct {
	kind      string // type of the value: "Coding"
	value     tree.Node
	exclusive bool
}

func read(n tree.Node) *form {
	f := &form{node: n, first: map[string]*question{}, below: map[position]*question{}}
	f.rules = readLimits(n)
	f.questions = f.items(n, nil)
	return f
}

func (f *form) items(container tree.Node, parent *question) []*question {
	var list []*question
	for n := range container.Field("item").Items() {
		q := &question{
			node: n, parent: parent, linkID: n.Field("linkId").Str(), kind: n.Field("type").Str(),
			required: n.Field("required").Bool(), repeats: n.Field("repeats").Bool(),
			order: len(list), any: n.Field("enableBehavior").Str() == "any",
			valueSet: n.Field("answerValueSet").Str(), limits: readLimits(n),
		}
		for w := range n.Field("enableWhen").Items() {
			q.when = append(q.when, w)
		}
		for o := range n.Field("answerOption").Items() {
			kind, value := choice(o, "value")
			q.options = append(q.options, option{kind, value, flag(o, extension+"questionnaire-optionExclusive")})
		}
		if f.first[q.linkID] == nil {
			f.first[q.linkID] = q
		}
		if at := (position{parent, q.linkID}); f.below[at] == nil {
			f.below[at] = q
		}
		list = append(list, q)
		q.children = f.items(n, q)
	}
	return list
}

// common is the innermost item that both lie in, itself included; nil is the
// questionnaire.
func common(a, b *question) *question {
	inside := map[*question]bool{}
	for ; a != nil; a = a.parent {
		inside[a] = true
	}
	for ; b != nil; b = b.parent {
		if inside[b] {
			return b
		}
	}
	return nil
}

// choice finds the value of an element with a choice of types and names the
// type: valueDateTime is "dateTime", valueCoding "Coding".
func choice(n tree.Node, name string) (kind string, value tree.Node) {
	for field, v := range n.Fields() {
		if len(field) > len(name) && field[:len(name)] == name {
			return typeName(field[len(name):]), v
		}
	}
	return "", tree.Node{}
}

func typeName(suffix string) string {
	switch suffix {
	case "Coding", "Quantity", "Reference", "Attachment", "CodeableConcept", "Expression":
		return suffix
	}
	return string(suffix[0]|0x20) + suffix[1:]
}

func flag(n tree.Node, url string) bool {
	for e := range n.Field("extension").Items() {
		if e.Field("url").Str() == url {
			return e.Field("valueBoolean").Bool()
		}
	}
	return false
}

const (
	extension = "http://hl7.org/fhir/StructureDefinition/"
	sdc       = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-"
	// answerConstraint is R5's element, as an extension of earlier versions:
	// optionsOnly, optionsOrType or optionsOrString.
	// https://hl7.org/fhir/R5/valueset-questionnaire-answer-constraint.html
	answerConstraint = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Questionnaire.item.answerConstraint"
)

// limits are what extensions say of an item's answers.
type limits struct {
	minOccurs, maxOccurs tree.Node
	minLength            tree.Node
	min, max             tree.Node // the extension: its value has a choice of types
	minQuantity          tree.Node
	maxQuantity          tree.Node
	places               tree.Node // of a decimal
	step                 tree.Node
	regex, format        string
	mimeTypes            []string
	maxSize              tree.Node
	resources, profiles  []string
	units                []tree.Node
	unitValueSet         string
	unitOpen             string
	openness             string // answerConstraint
	enableExpression     tree.Node
	variables            []tree.Node // Expressions
	constraints          []tree.Node // extensions
}

// unlimited is that of the many items without extensions.
var unlimited limits

func readLimits(n tree.Node) *limits {
	if !n.Field("extension").Exists() {
		return &unlimited
	}
	l := new(limits)
	for e := range n.Field("extension").Items() {
		l.take(e.Field("url").Str(), e)
	}
	return l
}

func (l *limits) take(url string, e tree.Node) {
	_, v := choice(e, "value")
	switch url {
	case extension + "questionnaire-minOccurs":
		l.minOccurs = v
	case extension + "questionnaire-maxOccurs":
		l.maxOccurs = v
	case extension + "minLength":
		l.minLength = v
	case extension + "minValue":
		l.min = e
	case extension + "maxValue":
		l.max = e
	case sdc + "minQuantity":
		l.minQuantity = v
	case sdc + "maxQuantity":
		l.maxQuantity = v
	case extension + "maxDecimalPlaces":
		l.places = v
	case extension + "questionnaire-sliderStepValue":
		l.step = v
	case extension + "regex":
		l.regex = v.Str()
	case extension + "entryFormat":
		l.format = v.Str()
	default:
		l.takeMore(url, e, v)
	}
}

func (l *limits) takeMore(url string, e, v tree.Node) {
	switch url {
	case extension + "mimeType":
		l.mimeTypes = append(l.mimeTypes, v.Str())
	case extension + "maxSize":
		l.maxSize = v
	case extension + "questionnaire-referenceResource":
		l.resources = append(l.resources, v.Str())
	case extension + "questionnaire-referenceProfile":
		l.profiles = append(l.profiles, v.Str())
	case extension + "questionnaire-unitOption":
		l.units = append(l.units, v)
	case extension + "questionnaire-unitValueSet":
		l.unitValueSet = v.Str()
	case sdc + "unitOpen":
		l.unitOpen = v.Str()
	case answerConstraint:
		l.openness = v.Str()
	case sdc + "enableWhenExpression":
		l.enableExpression = v
	case extension + "variable":
		l.variables = append(l.variables, v)
	case extension + "questionnaire-constraint", extension + "targetConstraint":
		l.constraints = append(l.constraints, e)
	}
}

// count reads a number of times; ok is false when there is none.
func count(n tree.Node) (int, bool) {
	i, err := strconv.Atoi(n.Text())
	return i, err == nil && i >= 0
}
