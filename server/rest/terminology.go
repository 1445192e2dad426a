package rest

// https://hl7.org/fhir/R4/terminology-service.html

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"tenon/fhir/issue"
	"tenon/fhir/terminology"
	"tenon/fhir/tree"
	"tenon/server/access"
)

// asked is the input of a terminology operation: what the query says, then what
// the Parameters in the body say. A name may come several times.
type asked struct {
	names  []string // in order, once each
	values map[string][]tree.Node
	texts  map[string][]string
}

// operationInput reads the input. known are the names that the operation takes;
// a resource that stands alone in the body is the parameter resource, if the
// operation has one. What R4 defines and is not served here is refused by name
// like what it does not define: no parameter is passed over in silence.
func (c *call) operationInput(resource string, known ...string) (*asked, error) {
	if _, none := c.who.Reach().(access.Nothing); none {
		return nil, unknownCaller(c) // definitions are for every caller that is known
	}
	in := &asked{values: map[string][]tree.Node{}, texts: map[string][]string{}}
	for name, values := range c.QueryParams() {
		for _, v := range values {
			if name != "_format" && name != "_pretty" && v != "" {
				in.put(name, tree.Node{}, v)
			}
		}
	}
	if c.Request().Method == http.MethodPost {
		body, err := c.resource()
		if err != nil {
			return nil, err
		}
		if err := in.read(body, resource); err != nil {
			return nil, err
		}
	}
	for _, name := range in.names {
		if !contains(known, name) {
			return nil, issue.Errorf(issue.NotSupported, "The operation has no parameter %q here; it takes %s.", clip(name), strings.Join(known, ", ")).
				WithStatus(400).At("Parameters.parameter").Rule("operation-parameter").Chinese("该操作不支持参数 " + clip(name) + "。")
		}
	}
	return in, nil
}

func contains(list []string, name string) bool {
	for _, one := range list {
		if one == name {
			return true
		}
	}
	return false
}

func (in *asked) put(name string, n tree.Node, text string) {
	if in.texts[name] == nil {
		in.names = append(in.names, name)
	}
	in.values[name] = append(in.values[name], n)
	in.texts[name] = append(in.texts[name], text)
}

// read takes the body: Parameters, or the one resource that is asked about.
func (in *asked) read(body []byte, resource string) error {
	d, err := tree.Parse(body)
	if err != nil {
		return err
	}
	root := d.Root()
	typ := root.Field("resourceType").Str()
	if resource != "" && strings.EqualFold(typ, resource) {
		in.put(resource, root, "")
		return nil
	}
	if typ != "Parameters" {
		return issue.Errorf(issue.Structure, "Expected Parameters, found %q.", clip(typ)).WithStatus(400).Rule("operation-body").Chinese("此处应为 Parameters 资源。")
	}
	for p := range root.Field("parameter").Items() {
		name, value := p.Field("name").Str(), p.Field("resource")
		for member, v := range p.Fields() {
			if strings.HasPrefix(member, "value") {
				value = v
			}
		}
		if p.Field("part").Exists() {
			value = p
		}
		if name == "" || !value.Exists() {
			return issue.Errorf(issue.Required, "A parameter needs a name, and a value, a resource or parts.").WithStatus(400).
				At("Parameters.parameter").Rule("operation-body").Chinese("参数须有 name 和取值。")
		}
		in.put(name, value, value.Text())
	}
	return nil
}

// text is the first value of a simple parameter.
func (in *asked) text(name string) string {
	if list := in.texts[name]; len(list) > 0 {
		return list[0]
	}
	return ""
}

// node is the first value of a complex parameter; absent when there is none.
func (in *asked) node(name string) tree.Node {
	if list := in.values[name]; len(list) > 0 {
		return list[0]
	}
	return tree.Node{}
}

func (in *asked) has(name string) bool { return len(in.texts[name]) > 0 }

// flag is a boolean parameter.
func (in *asked) flag(name string) (bool, error) {
	switch in.text(name) {
	case "true":
		return true, nil
	case "false", "":
		return false, nil
	}
	return false, badParameter(name, "true or false")
}

// number is an integer parameter that may be missing.
func (in *asked) number(name string) (*int, error) {
	if !in.has(name) {
		return nil, nil
	}
	n, err := strconv.Atoi(in.text(name))
	if err != nil || n < 0 {
		return nil, badParameter(name, "a whole number from 0 on")
	}
	return &n, nil
}

func badParameter(name, want string) error {
	return issue.Errorf(issue.Invalid, "The parameter %s must be %s.", name, want).WithStatus(400).At(name).Rule("operation-parameter").
		Chinese("参数 " + name + " 的取值无效。")
}

func lacks(want, chinese string) error {
	return issue.Errorf(issue.Required, "The operation needs %s.", want).WithStatus(400).At("Parameters.parameter").Rule("operation-parameter").Chinese("该操作需要" + chinese + "。")
}

// coding reads a Coding.
func coding(n tree.Node) terminology.Coding {
	return terminology.Coding{System: n.Field("system").Str(), Version: n.Field("version").Str(), Code: n.Field("code").Str(), Display: n.Field("display").Str()}
}

// maxCodings bounds the codings of one concept.
const maxCodings = 100

// codings are what the operation is asked about: a code with system, a Coding,
// or the codings of a CodeableConcept. concept tells the last.
func (in *asked) codings(version string) (list []terminology.Coding, concept bool, err error) {
	ways := 0
	if in.has("code") {
		ways++
		list = append(list, terminology.Coding{System: in.text("system"), Version: in.text(version), Code: in.text("code"), Display: in.text("display")})
	}
	if in.has("coding") {
		ways++
		list = append(list, coding(in.node("coding")))
	}
	if in.has("codeableConcept") {
		ways++
		concept = true
		for n := range in.node("codeableConcept").Field("coding").Items() {
			list = append(list, coding(n))
		}
	}
	if ways != 1 {
		return nil, false, lacks("just one of code (with system), coding and codeableConcept", "code（及 system）、coding、codeableConcept 三者之一")
	}
	if len(list) > maxCodings {
		return nil, false, issue.Errorf(issue.TooCostly, "The concept has more than %d codings, the limit of one request.", maxCodings).
			At("codeableConcept").Rule("operation-limit").Chinese("编码过多，超过一次请求的上限。")
	}
	for _, c := range list {
		if c.Code == "" {
			return nil, false, lacks("a code in every coding", "每个 coding 中的 code")
		}
	}
	return list, concept, nil
}

// language is that of the texts: displayLanguage, else the first that
// Accept-Language prefers.
func (c *call) language(in *asked) string {
	if l := in.text("displayLanguage"); l != "" {
		return clip(l)
	}
	best, weight := "", 0.0
	for i, part := range strings.Split(c.header("Accept-Language"), ",") {
		tag, q, _ := strings.Cut(strings.TrimSpace(part), ";")
		w := 1.0
		if value, ok := strings.CutPrefix(strings.TrimSpace(q), "q="); ok {
			w, _ = strconv.ParseFloat(value, 64)
		}
		if tag = strings.TrimSpace(tag); i < maxAccept && tag != "" && tag != "*" && w > weight {
			best, weight = tag, w
		}
	}
	return clip(best)
}

// stored reads the resource of an instance-level operation.
func (c *call) defined(typ string) (tree.Node, error) {
	v, err := c.door.o.Record.Read(c.ctx(), c.who, typ, c.Param("id"))
	if err != nil {
		return tree.Node{}, err
	}
	return nodeOf(v.Body)
}

// parameter is Parameters.parameter; value is written under its name with the
// type behind it.
type parameter struct {
	name, typ string
	value     any
	part      []parameter
}

// MarshalJSON writes the name, then the value or the parts.
func (p parameter) MarshalJSON() ([]byte, error) {
	name, err := json.Marshal(p.name)
	if err != nil {
		return nil, err
	}
	member, value := "part", any(p.part)
	if p.typ != "" {
		member, value = "value"+p.typ, p.value
	}
	body, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	out := append([]byte(`{"name":`), name...)
	out = append(append(out, `,"`+member+`":`...), body...)
	return append(out, '}'), nil
}

// text appends a text that is there.
func text(list []parameter, name, typ, value string) []parameter {
	if value == "" {
		return list
	}
	return append(list, parameter{name: name, typ: typ, value: value})
}

// parameters answers with a Parameters resource.
func (c *call) parameters(list []parameter) error {
	body, err := json.Marshal(struct {
		ResourceType string      `json:"resourceType"`
		Parameter    []parameter `json:"parameter"`
	}{"Parameters", list})
	if err != nil {
		return err
	}
	c.set("Vary", "Accept, Accept-Language, Authorization, Prefer")
	return c.send(http.StatusOK, body)
}

// codingPart is a Coding as JSON.
type codingPart struct {
	System  string `json:"system,omitempty"`
	Version string `json:"version,omitempty"`
	Code    string `json:"code,omitempty"`
	Display string `json:"display,omitempty"`
}

func codingOf(c terminology.Coding) codingPart { return codingPart(c) }
