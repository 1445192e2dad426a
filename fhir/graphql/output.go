package graphql

import (
	"encoding/json"
	"strconv"

	"tenon/fhir/issue"
)

// object is an object of the answer; its members keep the order in which they
// came.
type object struct {
	names []string
	slots map[string]*slot
}

// slot is a member: one value, or a list.
type slot struct {
	list   bool
	values []any // []byte (JSON) or *object
}

// member makes a member, or finds it.
func (o *object) member(name string, list bool) *slot {
	if o.slots == nil {
		o.slots = map[string]*slot{}
	}
	m := o.slots[name]
	if m == nil {
		m = &slot{}
		o.slots[name] = m
		o.names = append(o.names, name)
	}
	m.list = m.list || list
	return m
}

func (o *object) add(name string, list bool, value any) error {
	m := o.member(name, list)
	if !m.list && len(m.values) > 0 {
		return issue.Errorf(issue.MultipleMatches, "%q has more than one value here, where one is wanted (@singleton, or another field of that name).", name).
			WithStatus(422).Rule("graphql-singleton").Chinese("该字段有多个值，而此处只允许一个。")
	}
	m.values = append(m.values, value)
	return nil
}

func (o *object) append(out []byte) []byte {
	out = append(out, '{')
	for i, name := range o.names {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(append(out, quoted(name)...), ':')
		out = o.slots[name].append(out)
	}
	return append(out, '}')
}

func (m *slot) append(out []byte) []byte {
	if m.list {
		out = append(out, '[')
	}
	for i, v := range m.values {
		if i > 0 {
			out = append(out, ',')
		}
		if inner, ok := v.(*object); ok {
			out = inner.append(out)
			continue
		}
		out = append(out, v.([]byte)...)
	}
	if m.list {
		out = append(out, ']')
	}
	return out
}

func quoted(s string) []byte {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // a string always encodes
	}
	return b
}

// encoded is the JSON of a computed value.
func encoded(v any) []byte {
	switch v := v.(type) {
	case string:
		return quoted(v)
	case bool:
		return strconv.AppendBool(nil, v)
	case int64:
		return strconv.AppendInt(nil, v, 10)
	}
	return []byte("null")
}

// answer is the response. A list that shows a part only is told of.
func (x *execution) answer(data *object) []byte {
	out := append(data.append([]byte(`{"data":`)), []byte{}...)
	if len(x.cut) > 0 {
		var told []issue.Issue
		for _, path := range x.cut {
			told = append(told, issue.Issue{Severity: issue.Warning, Type: issue.TooCostly, Rule: "graphql-list-cut", Path: path,
				Text:    "The list shows the first page only; there is more. Ask for a Connection to follow its pages, or for a larger _count.",
				Chinese: "该列表仅为第一页，还有更多结果；请使用 Connection 翻页或增大 _count。"})
		}
		warning, err := json.Marshal(extensions{issue.OutcomeOf(told)})
		if err != nil {
			panic(err) // texts always encode
		}
		out = append(append(out, `,"extensions":`...), warning...)
	}
	return append(out, '}')
}
