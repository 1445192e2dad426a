package fhirpath

import (
	"slices"
	"strings"
)

func init() {
	register(map[string]builtin{"sort": {0, 10, (*compiler).sort}})
}

// sortKey is one argument of sort(); a leading minus sorts downwards, texts too.
type sortKey struct {
	run  code
	down bool
	pos  int
}

// sort orders the items by keys, or by themselves. Items without a key come
// first in either direction; equal items keep their order.
// https://hl7.org/fhirpath/#sortkeyselector--expression---
func (c *compiler) sort(n *node, in static) (apply, static, error) {
	keys := []sortKey{{run: pushThis, pos: n.pos}}
	if len(n.args) > 0 {
		keys = keys[:0]
	}
	for _, arg := range n.args {
		key := sortKey{pos: arg.pos}
		if arg.kind == nodeUnary && arg.text == "-" {
			key.down, arg = true, arg.args[0]
		}
		var err error
		if key.run, _, err = c.within(in, arg); err != nil {
			return nil, static{}, err
		}
		keys = append(keys, key)
	}
	in.unordered = false
	return func(st *state, base int) error { return st.sort(base, keys) }, in, nil
}

func (st *state) sort(base int, keys []sortKey) error {
	end := len(st.stack)
	rows := make([][]*scalar, end-base)
	saved := st.scope
	defer func() { st.scope = saved }()
	st.scope.root = false
	for i := range rows {
		st.scope.this, st.scope.index = st.stack[base+i], int64(i)
		for _, key := range keys {
			if err := key.run(st); err != nil {
				return err
			}
			v, err := st.one(end, key.pos, "a key of sort()")
			if err != nil {
				return err
			}
			s := (*scalar)(nil)
			if v != nil {
				if s = new(scalar); !v.scalar(s) {
					return st.fail(key.pos, "%s has no order", st.expr.typeName(v))
				}
			}
			rows[i] = append(rows[i], s)
			st.cut(end)
		}
	}
	return st.permute(base, rows, keys)
}

// permute sorts the items of stack[base:] by their rows of keys.
func (st *state) permute(base int, rows [][]*scalar, keys []sortKey) error {
	index := make([]int, len(rows))
	for i := range index {
		index[i] = i
	}
	fits := true
	slices.SortStableFunc(index, func(a, b int) int {
		st.work--
		for k, key := range keys {
			order, ok := sortOrder(rows[a][k], rows[b][k])
			fits = fits && ok
			if key.down && rows[a][k] != nil && rows[b][k] != nil {
				order = -order
			}
			if order != 0 {
				return order
			}
		}
		return 0
	})
	if !fits {
		return st.fail(keys[0].pos, "sort() cannot order values of different types")
	}
	items := slices.Clone(st.stack[base:])
	for i, from := range index {
		st.stack[base+i] = items[from]
	}
	return st.spend(1)
}

func sortOrder(a, b *scalar) (order int, ok bool) {
	switch {
	case a == nil && b == nil:
		return 0, true
	case a == nil:
		return -1, true
	case b == nil:
		return 1, true
	case a.kind == sysBoolean && b.kind == sysBoolean:
		return int(a.num - b.num), true
	case a.dated() && b.dated():
		return a.tmp.sortOrder(b.tmp), true
	case a.kind == sysString && b.kind == sysString:
		return strings.Compare(a.str, b.str), true
	}
	order, known, ok := a.order(b)
	return order, ok && known
}
