package snapshot

import (
	"strings"

	"tenon/fhir/definition"
	"tenon/fhir/issue"
	"tenon/fhir/tree"
)

func typeURL(code string) string {
	if strings.Contains(code, ":") {
		return code
	}
	return "http://hl7.org/fhir/StructureDefinition/" + code
}

// tree gives the tree of a definition of the library. It is not to be written
// to; clone it.
func (s *session) tree(canonical string) (*element, error) {
	if t := s.trees[canonical]; t != nil {
		return t, nil
	}
	res := s.lib.Find("StructureDefinition", canonical)
	if res == nil {
		return nil, refuse(issue.NotFound, "base-missing", "StructureDefinition.baseDefinition",
			"the definition %q is not known: add it or the package that has it", "未知的定义 %q：请添加该定义或包含它的包", canonical)
	}
	t, err := s.load(res)
	if err != nil {
		return nil, err
	}
	s.trees[canonical] = t
	return t, nil
}

func (s *session) load(res *definition.Resource) (*element, error) {
	n, err := res.Node()
	if err != nil {
		return nil, err
	}
	if list := n.Path("snapshot", "element"); list.Len() > 0 {
		return s.read(list, res.URL)
	}
	t, err := s.generate(n)
	if err == nil {
		t.mark(res.URL)
	}
	return t, err
}

// mark notes where the elements that this definition brought come from.
func (e *element) mark(url string) {
	e.fresh = false
	if e.url == "" {
		e.url = url
	}
	for _, c := range e.children {
		c.mark(url)
	}
	for _, c := range e.slices {
		c.mark(url)
	}
}

// read makes the tree of the flat list of a snapshot.
func (s *session) read(list tree.Node, url string) (*element, error) {
	var stack []*element // the latest at each depth
	for n := range list.Items() {
		path := n.Field("path").Str()
		depth := strings.Count(path, ".")
		if !s.spend() || depth > maxDepth || depth > len(stack) || depth == 0 && len(stack) > 0 {
			return nil, refuse(issue.Structure, "snapshot-broken", "StructureDefinition.snapshot",
				"the snapshot of %q is no list of elements with each parent before its children, of reasonable size: %q",
				"%q 的快照不是父元素先于子元素且大小合理的列表：%q", url, path)
		}
		e := &element{name: path[strings.LastIndexByte(path, '.')+1:], slice: n.Field("sliceName").Str(), url: url}
		e.fill(n)
		if !e.value("base").Exists() {
			e.set("base", baseOf(path, string(e.value("min").Raw()), string(e.value("max").Raw())))
		}
		if depth > 0 {
			stack[depth-1].add(e)
		}
		stack = append(stack[:depth], e)
	}
	return stack[0], nil
}

// add puts an element below e, as a slice of the one before it if it is one.
func (e *element) add(c *element) {
	if n := len(e.children); n > 0 && c.slice != "" {
		if last := e.children[n-1]; same(last.name, c.name) && last.slice == "" {
			c.entry, c.name = last, last.name
			last.slices = append(last.slices, c)
			return
		}
	}
	e.children = append(e.children, c)
}

// same tells whether two names are of one element: value[x] and valueQuantity
// are.
func same(a, b string) bool {
	if a == b {
		return true
	}
	prefix, ok := strings.CutSuffix(a, "[x]")
	return ok && suffixed(b, prefix)
}

// fill takes over the members of an ElementDefinition.
func (e *element) fill(n tree.Node) {
	e.members = make([]member, 0, n.Len())
	for name, v := range n.Fields() {
		switch name {
		case "id", "path", "sliceName", "_id", "_path", "_sliceName":
		default:
			e.put(member{name, v.Raw(), v})
		}
	}
}

func baseOf(path, least, most string) []byte {
	if least == "" {
		least = "0"
	}
	if most == "" {
		most = `"*"`
	}
	return []byte(`{"path":` + quoted(path) + `,"min":` + least + `,"max":` + most + `}`)
}

func rootName(differential tree.Node) string {
	name, _, _ := strings.Cut(differential.First().Field("path").Str(), ".")
	return name
}
