package validate

import (
	"fmt"
	"math/bits"

	"tenon/fhir/fhirpath"
	"tenon/fhir/issue"
	"tenon/fhir/rules"
	"tenon/fhir/schema"
	"tenon/fhir/tree"
)

// walker is the state of one walk.
type walker struct {
	set    *Set
	o      Options
	most   int
	issues []issue.Issue
	errors int     // among issues
	frames []frame // the way from the root to the value in hand
	buf    []byte  // text of strings with escapes
	html   narrative

	container  tree.Node // the resource whose contained a "#x" points into
	containeds map[string]tree.Node
	inside     bool      // within a contained resource
	resource   tree.Node // the innermost resource in hand
	root       tree.Node // the outermost one of the document
	bundles    []bundle  // that the value in hand stands in, innermost last

	deep      bool // more than the shape is judged
	fragments []fragment
	ctx       fhirpath.Context
	work      int // evaluations, comparisons and trials that are left
	trials    int // how many trials are under way
	long      int // long evaluations so far
	exhausted bool
	memo      map[trial]bool
	systems   []string // code systems that were told to be unknown
	rules     *rules.Context
	values    []value    // stack of values in hand
	under     []underway // what is being judged by which profile
}

// frame is one step of the way: an element, or its i-th item.
type frame struct {
	name    string
	index   int          // -1 without
	typ     *schema.Type // of the value, where it is known
	element *schema.Element
	node    tree.Node // an object, or a primitive's sibling
}

// object is an object in hand with its plan.
type object struct {
	node tree.Node
	plan *typePlan
	seen slots
	prop *property // under which it stands; nil for a root or resource
}

// minWork and workPerByte bound what one walk may cost: an evaluation, a
// comparison or the trial of a profile is one step or more.
const (
	minWork     = 1_000_000
	workPerByte = 4
)

func (w *walker) begin(s *Set, opt *Options) {
	w.set, w.most, w.issues, w.errors, w.frames = s, DefaultMaxIssues, nil, 0, w.frames[:0]
	w.o = Options{}
	if opt != nil {
		w.o = *opt
	}
	if w.o.MaxIssues > 0 {
		w.most = w.o.MaxIssues
	}
	w.deep, w.work = s.full(), minWork
	w.ctx.Now, w.ctx.Resolve, w.ctx.Data, w.ctx.Work = w.o.Now, w.o.Resolve, w, quickSteps
}

// end drops what would keep the document alive in the pool.
func (w *walker) end() {
	clear(w.frames[:cap(w.frames)])
	clear(w.bundles[:cap(w.bundles)])
	clear(w.fragments[:cap(w.fragments)])
	clear(w.values[:cap(w.values)])
	*w = walker{frames: w.frames[:0], values: w.values[:0], bundles: w.bundles[:0], fragments: w.fragments[:0], buf: w.buf, html: w.html, rules: w.rules}
	if w.rules != nil {
		w.rules.Root, w.rules.Resource, w.rules.Shared, w.rules.Library, w.rules.Terminology = tree.Node{}, tree.Node{}, nil, nil, nil
	}
	if cap(w.buf) > 1<<20 {
		w.buf = nil
	}
	if cap(w.frames) > 1<<10 || cap(w.fragments) > 1<<10 || cap(w.values) > 1<<10 {
		w.frames, w.fragments, w.values = nil, nil, nil
	}
}

// value judges the root.
func (w *walker) value(n tree.Node, p *typePlan) {
	if n.Exists() {
		w.work += workPerByte * len(n.Doc().Src())
	}
	if p.resource {
		w.push(resourceName(n, p), -1)
		w.root = n
		w.whole(n, p, w.o.Profiles)
		return
	}
	w.push(p.typ.Name, -1)
	w.object(n, p, nil)
	if w.deep {
		w.follow(value{node: n, typ: p.typ}, w.o.Profiles)
	}
}

// resourceName is where paths start: the type that the resource names, or "$",
// the document, where any may stand and none is named.
func resourceName(n tree.Node, p *typePlan) string {
	name := n.Field("resourceType")
	switch {
	case p.set.model.IsResource(name.Str()):
		return name.Str()
	case p.typ.Name == "Resource" && !name.Exists():
		return "$"
	}
	return p.typ.Name
}

func (w *walker) push(name string, index int) {
	w.frames = append(w.frames, frame{name: name, index: index})
}
func (w *walker) pop()       { w.frames = w.frames[:len(w.frames)-1] }
func (w *walker) full() bool { return w.errors >= w.most }

// whole judges a resource whose type is its own to say, as far as the plan
// allows it, and by the profiles that it or the caller names.
func (w *walker) whole(n tree.Node, p *typePlan, profiles []string) {
	if n.Kind() != tree.Object {
		w.kind(n, tree.Object)
		return
	}
	name := n.Field("resourceType")
	switch {
	case !name.Exists():
		w.add(issue.Structure, "resource-type-missing", "a resource has no resourceType: name its type", "资源缺少 resourceType，请写明类型")
		return
	case !w.set.model.IsResource(name.Str()):
		w.add(issue.Structure, "resource-type-unknown", fmt.Sprintf("found the resourceType %s, expected a resource type of FHIR %s", raw(name), w.set.model.Version()),
			fmt.Sprintf("resourceType 为 %s，应为 FHIR %s 的资源类型", raw(name), w.set.model.Version()))
		return
	}
	t := w.set.model.Type(name.Str())
	if !t.Is(p.typ.Name) {
		w.add(issue.Structure, "resource-type-mismatch", fmt.Sprintf("found a %s, expected a %s", t.Name, p.typ.Name),
			fmt.Sprintf("实际为 %s，应为 %s", t.Name, p.typ.Name))
		return
	}
	if p.typ != t {
		w.set.mu.Lock()
		p = w.set.stub(t)
		w.set.mu.Unlock()
	}
	if w.inside {
		resource := w.resource
		w.resource = n
		w.judge(n, p, profiles)
		w.resource = resource
		return
	}
	container, containeds, resource, fragments := w.container, w.containeds, w.resource, len(w.fragments)
	w.container, w.containeds, w.resource = n, nil, n
	w.judge(n, p, profiles)
	if w.deep {
		w.unreferenced(n, w.fragments[fragments:])
	}
	w.fragments = w.fragments[:fragments]
	w.container, w.containeds, w.resource = container, containeds, resource
}

// judge judges a resource by its type, then by its profiles.
func (w *walker) judge(n tree.Node, p *typePlan, profiles []string) {
	inBundle := w.deep && p.typ.Name == "Bundle"
	if inBundle {
		w.bundles = append(w.bundles, bundle{node: n})
	}
	w.object(n, p, nil)
	if w.deep && !w.full() {
		if w.o.NoExperimental && n.Field("experimental").Bool() {
			w.add(issue.BusinessRule, "experimental", "the resource says of itself that it is experimental, which is not allowed here", "资源标明为试验性内容，此处不允许")
		}
		w.profiled(n, p.typ, profiles)
		w.answered(n, p.typ)
	}
	if inBundle {
		w.bundles = w.bundles[:len(w.bundles)-1]
	}
}

// object judges an object member by member, then what is missing.
func (w *walker) object(n tree.Node, p *typePlan, under *property) {
	if n.Kind() != tree.Object {
		w.kind(n, tree.Object)
		return
	}
	if n.Len() == 0 {
		w.add(issue.Structure, "object-empty", "found an empty object: leave the element out or give it content", "对象为空：请删除该元素或填写内容")
		return
	}
	p.ready()
	top := &w.frames[len(w.frames)-1]
	top.typ, top.node = p.typ, n
	if under != nil {
		if top.element = under.element; under.sibling {
			top.typ = under.element.Type
		}
	}
	o := object{node: n, plan: p, prop: under}
	for member := n.First(); member.Exists() && !w.full(); member = member.Next() {
		name := member.Name()
		prop := p.table.find(name)
		if prop == nil {
			if name != "resourceType" || !p.resource {
				w.unknown(name, p)
			}
			continue
		}
		if !o.seen.has(prop.slot) {
			o.seen.add(prop.slot)
		} else if prop.element.Choice {
			w.once(&o, prop)
		}
		w.member(&o, member, prop)
	}
	if w.full() {
		return
	}
	for i, want := range p.required {
		for missing := want &^ o.seen[i]; missing != 0; missing &= missing - 1 {
			w.missing(p, i<<6+bits.TrailingZeros64(missing))
		}
	}
	switch p.closing {
	case closeElement:
		w.notEmpty(&o)
	case closeExtension:
		w.extension(&o)
	}
	if w.deep {
		w.constraints(&o)
	}
}

// member judges one property: a value or an array of them.
func (w *walker) member(o *object, n tree.Node, prop *property) {
	w.push(prop.element.Name, -1)
	w.frames[len(w.frames)-1].element = prop.element
	switch {
	case !prop.list:
		w.item(o, n, prop)
	case n.Kind() == tree.Null:
		w.null()
	case n.Kind() != tree.Array:
		w.add(issue.Structure, "array-expected", fmt.Sprintf("found %s, expected an array: the element may repeat", n.Kind()),
			fmt.Sprintf("实际为%s，应为数组：该元素可重复", n.Kind().Chinese()))
	case n.Len() == 0:
		w.add(issue.Structure, "array-empty", "found an empty array: leave the element out", "数组为空：请删除该元素")
	default:
		w.items(o, n, prop)
	}
	w.pop()
}

// items judges an array, in step with the array of the primitive's siblings.
func (w *walker) items(o *object, n tree.Node, prop *property) {
	if most := prop.element.Max; most > 0 && n.Len() > most {
		w.add(issue.Structure, "cardinality-max", fmt.Sprintf("found %d items, expected at most %d", n.Len(), most),
			fmt.Sprintf("有 %d 项，最多 %d 项", n.Len(), most))
	}
	var pairs, pair tree.Node
	if prop.pair != "" {
		if pairs = o.node.Field(prop.pair); pairs.Kind() == tree.Array {
			pair = pairs.First()
		}
	}
	top := len(w.frames) - 1
	i := 0
	for item := n.First(); item.Exists() && !w.full(); item = item.Next() {
		w.frames[top].index = i
		switch {
		case item.Kind() == tree.Null:
			w.nullItem(prop, pair)
		case prop.sibling && item.Kind() != tree.Array:
			w.sibling(item, prop, pair)
		default:
			w.item(o, item, prop)
		}
		i++
		pair = pair.Next()
	}
	w.frames[top].index = -1
	if prop.sibling && pairs.Kind() == tree.Array && pairs.Len() != n.Len() {
		w.add(issue.Structure, "sibling-length", fmt.Sprintf("found %d items in %s and %d in %s: fill both with null to the same length", pairs.Len(), quote(prop.pair), n.Len(), quote(prop.name)),
			fmt.Sprintf("%s 有 %d 项而 %s 有 %d 项：请用 null 补齐为相同长度", quote(prop.pair), pairs.Len(), quote(prop.name), n.Len()))
	}
}

// item judges one value.
func (w *walker) item(o *object, n tree.Node, prop *property) {
	switch {
	case n.Kind() == tree.Array:
		w.add(issue.Structure, "array-unexpected", "found an array, expected one value", "实际为数组，应为单个值")
	case n.Kind() == tree.Null:
		w.null()
	case prop.sibling:
		w.sibling(n, prop, o.node.Field(prop.pair))
		return
	case prop.prim != nil:
		w.primitive(n, prop)
	case prop.plan.resource:
		w.nested(o, n, prop)
	default:
		w.object(n, prop.plan, prop)
		w.complex(n, prop)
	}
	for _, b := range prop.coded {
		w.coded(value{node: n, typ: prop.element.Type}, b)
	}
	if w.deep && prop.checks != nil {
		w.hold(prop.checks, fhirpath.Element(n, prop.element.Type, o.node.Field(prop.pair)))
	}
}

// complex judges what the element, not its type, says of a value.
func (w *walker) complex(n tree.Node, prop *property) {
	if n.Kind() != tree.Object {
		return
	}
	if prop.concept != "" {
		w.concept(n, prop)
	}
	if prop.refers {
		w.reference(n, prop.targets)
	}
	if w.deep && prop.kind != 0 {
		w.special(n, prop)
	}
	if prop.simple && n.Field("comparator").Exists() {
		w.add(issue.Invariant, "sqty-1", "found a comparator, expected a quantity without one", "此处的数量不得带 comparator")
	}
}

// special judges what the types say that have rules of their own.
func (w *walker) special(n tree.Node, prop *property) {
	switch prop.kind {
	case kindExtension:
		w.extended(n)
	case kindCoding:
		if w.set.terms != nil {
			w.coding(n)
		}
	}
}

// nested judges a resource within a resource.
func (w *walker) nested(o *object, n tree.Node, prop *property) {
	if prop.element.Path != "DomainResource.contained" {
		inside := w.inside
		w.inside = false
		if last := len(w.bundles) - 1; last >= 0 && o.plan.typ.Name == "Bundle.entry" {
			w.bundles[last].entry = o.node
		}
		w.whole(n, prop.plan, nil)
		w.inside = inside
		return
	}
	if w.deep && w.o.Contained == IgnoreContained {
		return
	}
	if w.inside {
		w.add(issue.Invariant, "dom-2", "found a resource contained in a contained resource: contain it in the outer resource", "被包含的资源不得再包含资源，请放到最外层")
		return
	}
	if id := n.Field("id").Str(); id != "" && w.contained(id) != n {
		w.add(issue.Structure, "contained-id-duplicate", fmt.Sprintf("found the id %s on two contained resources: a reference to it has two readings", quote(id)),
			fmt.Sprintf("两个被包含资源的 id 同为 %s，引用有歧义", quote(id)))
	}
	w.inside = true
	w.whole(n, prop.plan, nil)
	w.inside = false
}

// unknown reports a property that the type does not have.
func (w *walker) unknown(name string, p *typePlan) {
	w.add(issue.Structure, "unknown-property", fmt.Sprintf("%s has no property %s: check the spelling, and for a choice the type in the name", p.typ.Name, quote(name)),
		fmt.Sprintf("%s 没有属性 %s，请检查拼写；选择类型的属性名须带类型", p.typ.Name, quote(name)))
}

// once reports a choice that has values of two types.
func (w *walker) once(o *object, prop *property) {
	for other := range o.node.Fields() {
		second := o.plan.table.find(other)
		if second == nil || second.slot != prop.slot {
			continue
		}
		if second.element.Property == prop.element.Property {
			return // it was its own sibling, or this is the first of them
		}
		if prop.sibling && o.node.Field(prop.pair).Exists() {
			return // told of already
		}
		w.push(prop.element.Name, -1)
		w.add(issue.Structure, "choice-twice", fmt.Sprintf("found both %s and %s, expected one type of value", quote(other), quote(prop.name)),
			fmt.Sprintf("同时有 %s 和 %s，只能有一种类型的值", quote(other), quote(prop.name)))
		w.pop()
		return
	}
}

func (w *walker) missing(p *typePlan, slot int) {
	e := &p.typ.Elements[slot]
	w.add(issue.Required, "cardinality-min", fmt.Sprintf("%s is required and missing", quote(propertyNames(e))),
		fmt.Sprintf("缺少必填元素 %s", quote(propertyNames(e))))
}

func propertyNames(e *schema.Element) string {
	if e.Choice {
		return e.Name + "[x]"
	}
	return e.Name
}
