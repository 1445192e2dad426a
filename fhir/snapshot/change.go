package snapshot

import (
	"strings"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
)

// change is what a differential says of an element and of those below it. Its
// shape is that of element: slices stand with what they slice. A change that no
// element of the differential states is there only to hold others.
type change struct {
	name, slice string
	node        tree.Node // the ElementDefinition, absent when not stated
	index       int       // in the differential
	parent      *change
	children    []*change
	slices      []*change
	byName      map[string]*change // children
	bySlice     map[string]*change
	current     *change // the slice that elements below are meant for, if ids don't tell
}

func (c *change) stated() bool { return c != nil && c.node.Exists() }

// said is the nearest stated change: c, one below, or one above.
func (c *change) said() *change {
	for at := c; at != nil; at = at.parent {
		if at.stated() {
			return at
		}
		for _, list := range [][]*change{at.children, at.slices} {
			for _, below := range list {
				if below.stated() {
					return below
				}
			}
		}
	}
	return nil
}

// label names a change for a person: its id if it has one.
func (c *change) label() string {
	if id := c.node.Field("id").Str(); id != "" {
		return id
	}
	if s := c.node.Field("sliceName").Str(); s != "" {
		return c.node.Field("path").Str() + ":" + s
	}
	return c.node.Field("path").Str()
}

func (c *change) child(name string) *change {
	if found := c.byName[name]; found != nil {
		return found
	}
	if c.byName == nil {
		c.byName = map[string]*change{}
	}
	made := &change{name: name, parent: c}
	c.byName[name] = made
	c.children = append(c.children, made)
	return made
}

func (c *change) sliceNamed(slice string) *change {
	if found := c.bySlice[slice]; found != nil {
		return found
	}
	if c.bySlice == nil {
		c.bySlice = map[string]*change{}
	}
	made := &change{name: c.name, slice: slice, parent: c}
	c.bySlice[slice] = made
	c.slices = append(c.slices, made)
	return made
}

// segment is one name of an id: "category:VSCat".
type segment struct{ name, slice string }

// segments splits the id of an element; nil when it does not go with the path,
// as the ids of some editors don't.
func segments(id string, path []string) []segment {
	parts := strings.Split(id, ".")
	if len(parts) != len(path) {
		return nil
	}
	list := make([]segment, len(parts))
	for i, part := range parts {
		name, slice, _ := strings.Cut(part, ":")
		if name != path[i] && !same(name, path[i]) && !same(path[i], name) {
			return nil
		}
		if name != path[i] && slice == path[i] {
			slice = "" // value[x]:valueQuantity for the path valueQuantity
		}
		list[i] = segment{name, slice}
	}
	return list
}

// readDifferential makes the tree of changes; nil when it is no list that can
// be read.
func (r *run) readDifferential(list tree.Node, rootName string) *change {
	if list.Len() > maxDifferential {
		r.fault(issue.TooCostly, "differential-size", nil, "it has %d elements, at most %d are read",
			"差异有 %d 个元素，最多读取 %d 个", list.Len(), maxDifferential)
		return nil
	}
	root := &change{name: rootName}
	reliable := trusted(list)
	i := 0
	for n := range list.Items() {
		r.place(root, &change{node: n, index: i}, reliable)
		i++
	}
	return root
}

// trusted tells whether the ids of a differential name its slices as its
// sliceName members do, so that they can be followed where both would do.
func trusted(list tree.Node) bool {
	for n := range list.Items() {
		path := strings.Split(n.Field("path").Str(), ".")
		ids := segments(n.Field("id").Str(), path)
		if ids == nil {
			return false
		}
		last := ids[len(ids)-1]
		if last.slice != n.Field("sliceName").Str() && last.name == path[len(path)-1] {
			return false
		}
	}
	return true
}

// place finds where an element of the differential belongs.
func (r *run) place(root, said *change, reliable bool) {
	full := said.node.Field("path").Str()
	path := strings.Split(full, ".")
	if full == "" || path[0] != root.name || len(path) > maxDepth {
		r.fault(issue.Value, "path-root", said, "the path %q does not begin with %q, the type that is defined, or is too deep",
			"路径 %q 不以所定义的类型 %q 开头，或层次过深", full, root.name)
		return
	}
	ids := segments(said.node.Field("id").Str(), path)
	at := root
	for i := 1; i < len(path); i++ {
		at = at.child(path[i])
		slice := ""
		if ids != nil {
			slice = ids[i].slice
		}
		if i == len(path)-1 {
			at = at.target(said, slice)
			break
		}
		at = at.through(slice, reliable)
	}
	r.state(at, said)
}

// target is the change that an element with this entry's path states.
func (c *change) target(said *change, idSlice string) *change {
	slice := said.node.Field("sliceName").Str()
	if slice == "" {
		slice = idSlice
	}
	if slice == "" {
		c.current = nil
		return c
	}
	c.current = c.sliceNamed(slice)
	return c.current
}

// through is the change that the path goes on below: a slice of c or c.
func (c *change) through(idSlice string, reliable bool) *change {
	switch {
	case idSlice != "" && (reliable || c.bySlice[idSlice] != nil || c.current == nil):
		return c.sliceNamed(idSlice)
	case reliable || c.current == nil:
		return c
	}
	return c.current
}

// state records what an element says, if it may say it there.
func (r *run) state(at, said *change) {
	if at.stated() {
		r.fault(issue.Duplicate, "element-twice", said, "the differential states this element twice, at [%d] before: merge the two, or give a slice its sliceName",
			"差异重复陈述该元素（此前位于 [%d]）：请合并，或为切片给出 sliceName", at.index)
		return
	}
	at.node, at.index = said.node, said.index
	if len(at.children) > 0 || len(at.slices) > 0 && at.parent != nil {
		r.fault(issue.Structure, "element-order", said, "the element comes after those below it or its slices: put it before them",
			"该元素位于其子元素或切片之后：请移到它们之前")
	}
}
