package graphql

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"tenon/fhir/fhirpath"
	"tenon/fhir/issue"
	"tenon/fhir/tree"
)

// Request is what a client asks.
type Request struct {
	Query     string
	Operation string    // operationName, "" where there is one operation
	Variables tree.Node // an object, or absent
	// Instance is the resource that an instance-level query is about; absent for
	// one of the system.
	Instance tree.Node
	// ReadOnly refuses mutations: a GET changes nothing.
	ReadOnly bool
}

// Env is what a request works with. Source is needed; without Writer there are
// no mutations.
type Env struct {
	Source Source
	Writer Writer
	Limits Limits
	Now    time.Time // of the FHIRPath functions now() and today()
}

// Run answers a request with {"data": …}. The error is a *Fault, unless the
// source failed in a way that no client should see.
func (s *Schema) Run(ctx context.Context, env Env, q Request) ([]byte, error) {
	x := &execution{ctx: ctx, schema: s, env: env, limits: env.Limits.filled(), cache: map[string]tree.Node{}, exprs: map[string]*fhirpath.Expr{}}
	var err error
	if x.doc, err = Parse(q.Query, x.limits); err != nil {
		return nil, err
	}
	op, err := x.doc.choose(q.Operation)
	if err != nil {
		return nil, err
	}
	root, err := x.root(op, q)
	if err != nil {
		return nil, err
	}
	c := &checker{schema: s, doc: x.doc, limits: x.limits, source: env.Source, op: op}
	if err := c.check(root.typ); err != nil {
		return nil, err
	}
	if x.vars, err = op.coerced(q.Variables); err != nil {
		return nil, x.early(op, err)
	}
	out := &object{}
	if err := x.object(root, []*Selection{{Set: op.Set, at: op.at}}, out, shape{}); err != nil {
		return nil, err
	}
	return x.answer(out), nil
}

// root is where an operation begins.
func (x *execution) root(op *Operation, q Request) (focus, error) {
	switch {
	case op.Kind == "subscription":
		return focus{}, x.early(op, refuse(issue.NotSupported, "subscription", "不支持 GraphQL 订阅。", "There are no subscriptions by GraphQL; use the resource Subscription."))
	case op.Kind == "mutation" && (q.ReadOnly || q.Instance.Exists() || x.env.Writer == nil):
		return focus{}, x.early(op, refuse(issue.NotSupported, "mutation", "此处不能执行 mutation，请以 POST 在系统级调用。", "A mutation is not carried out here: POST it to the system level.").WithStatus(405))
	case op.Kind == "mutation":
		if len(op.Set) != 1 || op.Set[0].Kind != FieldSelection {
			return focus{}, x.early(op, refuse(issue.NotSupported, "mutation", "一次 mutation 只能修改一个资源，多个修改请使用 transaction。", "A mutation changes one resource; for several that belong together post a transaction."))
		}
		return focus{typ: x.schema.mutation()}, nil
	case q.Instance.Exists():
		t := x.schema.model.Type(q.Instance.Field("resourceType").Str())
		if t == nil {
			return focus{}, errors.New("graphql: the instance is no resource")
		}
		return focus{typ: x.schema.of(t), node: q.Instance, base: q.Instance}, nil
	}
	return focus{typ: x.schema.query()}, nil
}

func (x *execution) early(op *Operation, err error) error {
	line, column := place(x.doc.src, op.at)
	return &Fault{Failure: err, Line: line, Column: column, Early: true}
}

// execution is one request on its way.
type execution struct {
	ctx    context.Context
	schema *Schema
	env    Env
	limits Limits
	doc    *Document
	vars   map[string]Value
	cache  map[string]tree.Node // by reference
	exprs  map[string]*fhirpath.Expr
	path   []any
	cut    []string // lists of which more is there than they show

	reads, values, size int
}

// focus is what selections are made on: a node of a resource, or a value of
// GraphQL's own.
type focus struct {
	typ        *typ
	node, twin tree.Node
	base       tree.Node // the resource that it lies in, for contained ones
	value      any
}

// shape is how members of a flattened object go into the one around it.
// https://hl7.org/fhir/R4/graphql.html#list
type shape struct {
	list   bool   // what is flattened is a list, so that each member becomes one
	suffix string // of the names, from @slice
}

// fault wraps an error with its place in document and answer.
func (x *execution) fault(s *Selection, err error) error {
	if f, ok := asFault(err); ok {
		return f
	}
	if issue.As(err) == nil {
		return err
	}
	line, column := place(x.doc.src, s.at)
	return &Fault{Failure: err, Line: line, Column: column, Path: slices.Clone(x.path)}
}

// object answers selections on one object. The Sets of the selections are merged.
// https://spec.graphql.org/October2021/#sec-Field-Collection
func (x *execution) object(f focus, from []*Selection, w *object, at shape) error {
	g := &groups{}
	for _, s := range from {
		if err := x.collect(f.typ, s.Set, g); err != nil {
			return err
		}
	}
	for _, list := range g.list {
		fd := x.schema.field(f.typ, list[0].Name)
		if fd == nil {
			continue // another member of the union has it
		}
		x.path = append(x.path, list[0].key())
		if err := x.field(f, fd, list, w, at); err != nil {
			return x.fault(list[0], err)
		}
		x.path = x.path[:len(x.path)-1]
	}
	return nil
}

// groups are the selected fields by their name in the answer, in order.
type groups struct {
	list [][]*Selection
	at   map[string]int
}

func (g *groups) add(s *Selection) error {
	if i, ok := g.at[s.key()]; ok {
		if same(g.list[i][0], s) {
			g.list[i] = append(g.list[i], s)
			return nil
		}
		return refuse(issue.Conflict, "merge", "同名字段的参数不一致，请使用别名。", "%q is selected twice in different ways; give one an alias.", s.key())
	}
	if g.at == nil {
		g.at = map[string]int{}
	}
	g.at[s.key()] = len(g.list)
	g.list = append(g.list, []*Selection{s})
	return nil
}

// same tells whether two selections of one name can be merged.
func same(a, b *Selection) bool {
	shown := func(s *Selection) string {
		args := slices.Clone(s.Arguments)
		slices.SortFunc(args, func(a, b Argument) int { return compare(a.Name, b.Name) })
		out := s.Name
		for _, a := range args {
			out += " " + a.Name + ":" + a.Value.String()
		}
		for _, d := range s.Directives {
			if directives[d.Name] != "if" {
				out += " @" + d.Name
				for _, a := range d.Arguments {
					out += a.Value.String()
				}
			}
		}
		return out
	}
	return a == b || shown(a) == shown(b)
}

func compare(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// collect finds the fields that are selected on an object of type t.
func (x *execution) collect(t *typ, set []*Selection, g *groups) error {
	for _, s := range set {
		if ok, err := x.wanted(s); !ok || err != nil {
			if err != nil {
				return x.fault(s, err)
			}
			continue
		}
		var err error
		switch s.Kind {
		case FieldSelection:
			err = g.add(s)
		case SpreadSelection:
			if f := x.doc.Fragments[s.Name]; t.meets(f.On) {
				err = x.collect(t, f.Set, g)
			}
		case InlineSelection:
			if t.meets(s.Name) {
				err = x.collect(t, s.Set, g)
			}
		}
		if err != nil {
			return x.fault(s, err)
		}
	}
	return nil
}

// wanted judges @include and @skip.
func (x *execution) wanted(s *Selection) (bool, error) {
	for _, d := range s.Directives {
		if directives[d.Name] != "if" {
			continue
		}
		v, _ := d.Arguments[0].Value.bound(x.vars)
		if v.Kind != BooleanValue && v.Text != "true" && v.Text != "false" {
			return false, refuse(issue.Value, "directive", "指令的 if 应为布尔值。", "The argument \"if\" of @%s is true or false.", d.Name)
		}
		if (v.Text == "true") != (d.Name == "include") {
			return false, nil
		}
	}
	return true, nil
}

// spend counts what the answer grows by, and looks whether time is left.
func (x *execution) spend(bytes int) error {
	x.values++
	x.size += bytes
	switch {
	case x.values > x.limits.Values:
		return costly("结果过大。", "The answer has more than %d values; ask for less, with _count or filters.", x.limits.Values)
	case x.size > x.limits.Output:
		return costly("结果过大。", "The answer is longer than %d bytes; ask for less, with _count or filters.", x.limits.Output)
	case x.values%256 == 0:
		return x.ctx.Err()
	}
	return nil
}

// reading counts a read of the source.
func (x *execution) reading() error {
	if x.reads++; x.reads > x.limits.Reads {
		return costly("查询需要读取的资源过多。", "The query needs more than %d reads and searches; ask for less, with _count or filters.", x.limits.Reads)
	}
	return x.ctx.Err()
}

// argument is the value of an argument; ok is false when it is not given, or
// null.
func (x *execution) argument(s *Selection, name string) (v Value, ok bool) {
	for _, a := range s.Arguments {
		if a.Name == name {
			v, ok = a.Value.bound(x.vars)
			return v, ok && v.Kind != NullValue
		}
	}
	return v, false
}

// number is an argument that counts.
func (x *execution) number(s *Selection, name string, least, most int) (n int, given bool, err error) {
	v, ok := x.argument(s, name)
	if !ok {
		return 0, false, nil
	}
	if _, err := fmt.Sscanf(v.Text, "%d", &n); err != nil || v.Kind != IntValue || n < least || n > most || len(v.Text) > 9 {
		return 0, false, refuse(issue.Value, "argument", name+" 的取值无效。", "%s is a whole number from %d to %d.", name, least, most)
	}
	return n, true, nil
}

// text is an argument that is one text.
func (x *execution) text(s *Selection, name string) (string, error) {
	v, ok := x.argument(s, name)
	if !ok {
		return "", nil
	}
	if texts, ok := v.texts(); ok && len(texts) == 1 {
		return texts[0], nil
	}
	return "", refuse(issue.Value, "argument", name+" 应为单个值。", "%s is one value.", name)
}
