package rules

import (
	"strconv"
	"strings"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
)

// https://hl7.org/fhir/R4/codesystem.html

func codeSystem(c *Context, n tree.Node) {
	s := &codes{Context: c, seen: map[string]bool{}, declared: map[string]property{}, closed: n.Field("property").Len() > 0}
	s.insensitive = n.Field("caseSensitive").Exists() && !n.Field("caseSensitive").Bool()
	i := 0
	for p := range n.Field("property").Items() {
		code := text(p, "code")
		if _, twice := s.declared[code]; twice {
			c.warn(under("", "property", i)+".code", issue.Duplicate, "property-twice", "the property "+issue.Quote(code)+" is declared twice", "属性 "+issue.Quote(code)+" 重复声明")
		}
		s.declared[code] = property{typ: text(p, "type")}
		i++
	}
	content := text(n, "content")
	s.supplemented(n, content)
	s.walk("", n.Field("concept"), 0)
	s.references()
	s.counted(n, content)
	s.whole(n)
}

// codes walks the concepts of a code system.
type codes struct {
	*Context
	seen        map[string]bool
	insensitive bool // case does not tell codes apart
	total       int
	declared    map[string]property
	closed      bool   // it declares properties, so it declares all
	system      string // that a supplement adds to, "" for none
	version     string
	links       []link // parent and child properties, judged when all codes are known
}

type link struct{ sub, code string }

const deepest = 200

func (s *codes) walk(sub string, list tree.Node, depth int) {
	i := -1
	for concept := range list.Items() {
		i++
		at := under(sub, "concept", i)
		s.total++
		s.concept(at, concept)
		if depth < deepest {
			s.walk(at, concept.Field("concept"), depth+1)
		}
	}
}

func (s *codes) concept(sub string, n tree.Node) {
	code := text(n, "code")
	key := code
	if s.insensitive {
		key = strings.ToLower(code)
	}
	if s.seen[key] {
		s.fail(sub+".code", issue.Duplicate, "code-twice", "the code "+issue.Quote(code)+" is defined twice: each code of a system is unique", "代码 "+issue.Quote(code)+" 重复定义：系统内代码须唯一")
	}
	s.seen[key] = true
	if s.system != "" {
		s.unknownCode(sub+".code", s.system, s.version, code)
	}
	i := -1
	for p := range n.Field("property").Items() {
		i++
		s.property(under(sub, "property", i), p)
	}
}

// valueTypes gives the type that the member of a property's value stands for.
var valueTypes = map[string]string{
	"valueCode": "code", "valueCoding": "Coding", "valueString": "string", "valueInteger": "integer",
	"valueBoolean": "boolean", "valueDateTime": "dateTime", "valueDecimal": "decimal",
}

func (s *codes) property(sub string, n tree.Node) {
	code := text(n, "code")
	want, ok := s.declared[code]
	if !ok {
		s.warn(sub+".code", issue.Invalid, "property-undeclared", "the code system declares no property "+issue.Quote(code)+": add it to CodeSystem.property",
			"代码系统未声明属性 "+issue.Quote(code)+"：请加入 CodeSystem.property")
		want = implicitProperties[code]
	}
	for name, v := range n.Fields() {
		is, isValue := valueTypes[name]
		if !isValue {
			continue
		}
		if want.typ != "" && is != want.typ {
			s.fail(sub+".value", issue.Invalid, "property-type", "the value is of the type "+is+", but the property "+issue.Quote(code)+" is declared as "+want.typ,
				"值的类型为 "+is+"，而属性 "+issue.Quote(code)+" 声明为 "+want.typ)
		}
		if name == "valueCode" && (code == "parent" || code == "child") {
			s.links = append(s.links, link{sub + ".value", v.Str()})
		}
	}
}

// references demands that parents and children are codes of the system.
func (s *codes) references() {
	for _, l := range s.links {
		key := l.code
		if s.insensitive {
			key = strings.ToLower(key)
		}
		if !s.seen[key] && s.system == "" {
			s.fail(l.sub, issue.CodeInvalid, "code-unknown", "the code system has no code "+issue.Quote(l.code), "代码系统中没有代码 "+issue.Quote(l.code))
		}
	}
}

// supplemented judges what a supplement adds to.
func (s *codes) supplemented(n tree.Node, content string) {
	url := text(n, "supplements")
	switch {
	case content == "supplement" && url == "":
		s.fail("", issue.Required, "supplement", "the content is a supplement: supplements must say of which code system", "内容为 supplement：须以 supplements 指明补充的代码系统")
	case content != "supplement" && url != "":
		s.fail(".supplements", issue.BusinessRule, "supplement", "supplements is given, but the content is "+issue.Quote(content)+", not supplement",
			"给出了 supplements，但 content 为 "+issue.Quote(content)+"，而非 supplement")
	case url != "" && s.expects(".supplements", "CodeSystem", url):
		s.system, s.version, _ = strings.Cut(url, "|")
		for p := range s.definitionOf("CodeSystem", url).Field("property").Items() {
			if _, own := s.declared[text(p, "code")]; !own {
				s.declared[text(p, "code")] = property{typ: text(p, "type")}
			}
		}
	}
}

// counted holds count and content against the concepts that there are.
func (s *codes) counted(n tree.Node, content string) {
	if content == "not-present" && s.total > 0 {
		s.fail(".content", issue.BusinessRule, "content", "the content is not-present, but there are "+strconv.Itoa(s.total)+" concepts",
			"content 为 not-present，却有 "+strconv.Itoa(s.total)+" 个概念")
	}
	if content == "complete" && s.total == 0 {
		s.warn(".content", issue.BusinessRule, "content", "the content is complete, but there are no concepts", "content 为 complete，却没有概念")
	}
	count, err := strconv.Atoi(n.Field("count").Text())
	if err != nil {
		return
	}
	wrong := content == "complete" && count != s.total || (content == "fragment" || content == "example") && count < s.total
	if wrong {
		s.fail(".count", issue.BusinessRule, "count", "count is "+strconv.Itoa(count)+", but there are "+strconv.Itoa(s.total)+" concepts and the content is "+content,
			"count 为 "+strconv.Itoa(count)+"，而 content 为 "+content+" 的概念有 "+strconv.Itoa(s.total)+" 个")
	}
}

// whole looks whether the value set of all codes is that.
func (s *codes) whole(n tree.Node) {
	url, system := text(n, "valueSet"), text(n, "url")
	vs := s.definitionOf("ValueSet", url)
	if !vs.Exists() {
		return
	}
	all := false
	for inc := range vs.Path("compose", "include").Items() {
		all = all || text(inc, "system") == system && inc.Field("concept").Len() == 0 && inc.Field("filter").Len() == 0
	}
	if vs.Field("compose").Exists() && !all {
		s.warn(".valueSet", issue.BusinessRule, "all-codes", "the value set "+issue.Quote(url)+" should be all codes of this system, but it does not include them",
			"值集 "+issue.Quote(url)+" 应包含本系统的全部代码，实际并未包含")
	}
}
