package fhirpath

import (
	"hash/maphash"
	"math"
	"slices"

	"tenon/fhir/tree"
)

// Existence and combining: the functions that compare items with one another.
// https://hl7.org/fhirpath/N1/#existence and https://hl7.org/fhirpath/N1/#combining
func init() {
	register(map[string]builtin{
		"empty":      {0, 0, nil}, // condition.go
		"count":      {0, 0, (*compiler).count},
		"not":        {0, 0, nil}, // condition.go
		"allTrue":    {0, 0, judging(func(b bool) bool { return b }, true)},
		"anyTrue":    {0, 0, judging(func(b bool) bool { return !b }, false)},
		"allFalse":   {0, 0, judging(func(b bool) bool { return !b }, true)},
		"anyFalse":   {0, 0, judging(func(b bool) bool { return b }, false)},
		"distinct":   {0, 0, (*compiler).distinctFunction},
		"isDistinct": {0, 0, (*compiler).isDistinct},
		"subsetOf":   {1, 1, (*compiler).subsetOf},
		"supersetOf": {1, 1, (*compiler).supersetOf},
		"union":      {1, 1, (*compiler).unionFunction},
		"combine":    {1, 2, (*compiler).combineFunction},
	})
}

func (c *compiler) count(*node, static) (apply, static, error) {
	return func(st *state, base int) error {
		st.set(base, Integer(int64(len(st.stack)-base)))
		return st.spend(1)
	}, staticOf(sysInteger), nil
}

// judging builds allTrue() and its kin: the result is all while every item
// passes, else the opposite.
func judging(pass func(bool) bool, all bool) func(*compiler, *node, static) (apply, static, error) {
	return func(c *compiler, n *node, in static) (apply, static, error) {
		if !in.fits(1 << sysBoolean) {
			return nil, static{}, c.src.mistyped(n.pos, "%s() works on Boolean, not on %s", n.text, in)
		}
		return func(st *state, base int) error {
			result := all
			for i := base; i < len(st.stack); i++ {
				b, ok := st.stack[i].Bool()
				if !ok {
					return st.fail(n.pos, "%s() works on Boolean, not on %s", n.text, st.expr.typeName(&st.stack[i]))
				}
				if !pass(b) {
					result = !all
				}
			}
			n := len(st.stack) - base
			st.set(base, Boolean(result))
			return st.spend(1 + n)
		}, staticOf(sysBoolean), nil
	}
}

// set holds the items already met, by = ; what = leaves open is different.
// Small sets are compared pair by pair, larger ones by hash.
type set struct {
	st     *state
	items  []Value
	hashes map[uint64][]int32
}

const smallSet = 12

func newSet(st *state) *set { return &set{st: st} }

func (s *set) has(v *Value) (bool, error) {
	if s.hashes == nil {
		for i := range s.items {
			if same, known, err := s.st.equal(&s.items[i], v); same && known || err != nil {
				return same, err
			}
		}
		return false, nil
	}
	h, err := s.st.hash(v)
	if err != nil {
		return false, err
	}
	for _, i := range s.hashes[h] {
		if same, known, err := s.st.equal(&s.items[i], v); same && known || err != nil {
			return same, err
		}
	}
	return false, nil
}

func (s *set) add(v Value) error {
	s.items = append(s.items, v)
	if len(s.items) <= smallSet {
		return nil
	}
	from := len(s.items) - 1
	if s.hashes == nil {
		s.hashes, from = make(map[uint64][]int32), 0
	}
	for i := from; i < len(s.items); i++ {
		h, err := s.st.hash(&s.items[i])
		if err != nil {
			return err
		}
		s.hashes[h] = append(s.hashes[h], int32(i))
	}
	return nil
}

func (s *set) addAll(from, to int) error {
	s.items = slices.Grow(s.items, to-from)
	for i := from; i < to; i++ {
		if err := s.add(s.st.stack[i]); err != nil {
			return err
		}
	}
	return s.st.spend(to - from)
}

// keepNew drops from stack[base:] what the set has and adds the rest to it.
func (s *set) keepNew(base int) error {
	keep := base
	for i := base; i < len(s.st.stack); i++ {
		v := s.st.stack[i]
		has, err := s.has(&v)
		if err != nil {
			return err
		}
		if has {
			continue
		}
		if err := s.add(v); err != nil {
			return err
		}
		s.st.stack[keep] = v
		keep++
	}
	s.st.cut(keep)
	return nil
}

// distinct drops duplicates from base up.
func (st *state) distinct(base int) error {
	n := len(st.stack) - base
	if n < 2 {
		return st.spend(1)
	}
	if n > smallSet {
		return newSet(st).keepNew(base)
	}
	keep := base + 1
next:
	for i := base + 1; i < len(st.stack); i++ {
		for j := base; j < keep; j++ {
			same, known, err := st.equal(&st.stack[j], &st.stack[i])
			if err != nil {
				return err
			}
			if same && known {
				continue next
			}
		}
		st.stack[keep] = st.stack[i]
		keep++
	}
	st.cut(keep)
	return nil
}

var seed = maphash.MakeSeed()

// hash gives equal items equal numbers. Dates, times and quantities are equal in
// many spellings, so they only count by their kind.
func (st *state) hash(v *Value) (uint64, error) {
	if err := st.spend(1); err != nil {
		return 0, err
	}
	var s scalar
	if v.scalar(&s) {
		return s.hash(), nil
	}
	return st.hashParts(v.parts(), st.partsType(v) != nil && systemOf(st.partsType(v)) == sysQuantity)
}

func (s *scalar) hash() uint64 {
	switch s.kind {
	case sysBoolean:
		return 2 + uint64(s.num)
	case sysInteger:
		return math.Float64bits(float64(s.num))
	case sysDecimal:
		if d, ok := s.dec.whole(); ok {
			return math.Float64bits(float64(d))
		}
		return math.Float64bits(s.dec.float())
	case sysString, sysTypeInfo:
		return maphash.String(seed, s.str)
	}
	return 1
}

// hashParts adds up the members, so that their order does not matter. Text that
// may be a date counts by nothing but its name.
func (st *state) hashParts(n tree.Node, quantity bool) (uint64, error) {
	if err := st.spend(1); err != nil {
		return 0, err
	}
	sum := uint64(n.Kind())
	if quantity {
		return sum, nil
	}
	switch n.Kind() {
	case tree.String:
		if s := n.Str(); s != "" && !isDigit(s[0]) {
			return maphash.String(seed, s), nil
		}
	case tree.Array:
		for item := n.First(); item.Exists(); item = item.Next() {
			h, err := st.hashParts(item, false)
			if err != nil {
				return 0, err
			}
			sum = sum*31 + h
		}
	case tree.Object:
		for f := n.First(); f.Exists(); f = f.Next() {
			h, err := st.hashParts(f, mayConvert(f))
			if err != nil {
				return 0, err
			}
			sum += maphash.String(seed, f.Name()) ^ h*0x9e3779b97f4a7c15
		}
	}
	return sum, nil
}

// mayConvert tells whether an object looks like a Quantity, whose unit may be
// another one in an equal object.
func mayConvert(n tree.Node) bool {
	return n.Kind() == tree.Object && n.Field("value").Kind() == tree.Number
}

func (c *compiler) distinctFunction(_ *node, in static) (apply, static, error) {
	return (*state).distinct, in, nil
}

func (c *compiler) isDistinct(*node, static) (apply, static, error) {
	return func(st *state, base int) error {
		n := len(st.stack)
		if err := st.distinct(base); err != nil {
			return err
		}
		st.set(base, Boolean(len(st.stack) == n))
		return nil
	}, staticOf(sysBoolean), nil
}

func (c *compiler) subsetOf(n *node, _ static) (apply, static, error) {
	return c.inclusion(n, false)
}

func (c *compiler) supersetOf(n *node, _ static) (apply, static, error) {
	return c.inclusion(n, true)
}

// inclusion asks whether one collection has all of the other.
func (c *compiler) inclusion(n *node, reverse bool) (apply, static, error) {
	other, _, err := c.compile(n.args[0])
	if err != nil {
		return nil, static{}, err
	}
	return func(st *state, base int) error {
		middle := len(st.stack)
		if err := other(st); err != nil {
			return err
		}
		part, whole := [2]int{base, middle}, [2]int{middle, len(st.stack)}
		if reverse {
			part, whole = whole, part
		}
		seen, all := newSet(st), true
		if err := seen.addAll(whole[0], whole[1]); err != nil {
			return err
		}
		for i := part[0]; all && i < part[1]; i++ {
			if all, err = seen.has(&st.stack[i]); err != nil {
				return err
			}
		}
		st.set(base, Boolean(all))
		return st.spend(1)
	}, staticOf(sysBoolean), nil
}

func (c *compiler) unionFunction(n *node, in static) (apply, static, error) {
	other, s, err := c.compile(n.args[0])
	if err != nil {
		return nil, static{}, err
	}
	return func(st *state, base int) error {
		if err := other(st); err != nil {
			return err
		}
		return st.distinct(base)
	}, in.or(s), nil
}

// combineFunction joins two collections and keeps duplicates. Its second
// argument, about the order, changes nothing: the order is always kept.
func (c *compiler) combineFunction(n *node, in static) (apply, static, error) {
	other, s, err := c.compile(n.args[0])
	if err != nil {
		return nil, static{}, err
	}
	if len(n.args) == 2 {
		if _, err := c.value(n, 1, 1<<sysBoolean); err != nil {
			return nil, static{}, err
		}
	}
	return func(st *state, _ int) error {
		if err := other(st); err != nil {
			return err
		}
		return st.spend(1)
	}, in.or(s), nil
}
