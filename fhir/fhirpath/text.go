package fhirpath

import (
	"strings"
	"unicode/utf8"
)

// Strings. https://hl7.org/fhirpath/N1/#string-manipulation
// Positions count characters (code points), not bytes.
func init() {
	const str, num, boolean = 1 << sysString, 1 << sysInteger, 1 << sysBoolean
	one, two := []uint16{str}, []uint16{str, str}
	for name, f := range map[string]scalarFunction{
		"indexOf":     {in: str, params: one, out: num, call: indexOf},
		"lastIndexOf": {in: str, params: one, out: num, call: lastIndexOf},
		"substring":   {in: str, params: []uint16{num, num}, optional: 1, out: str, call: substring},
		"startsWith":  {in: str, params: one, out: boolean, call: asks(strings.HasPrefix)},
		"endsWith":    {in: str, params: one, out: boolean, call: asks(strings.HasSuffix)},
		"contains":    {in: str, params: one, out: boolean, call: asks(strings.Contains)},
		"upper":       {in: str, out: str, call: edits(strings.ToUpper)},
		"lower":       {in: str, out: str, call: edits(strings.ToLower)},
		"trim":        {in: str, out: str, call: edits(strings.TrimSpace)},
		"length":      {in: str, out: num, call: length},
		"replace":     {in: str, params: two, out: str, call: replace},
	} {
		register(map[string]builtin{name: f.builtin()})
	}
	register(map[string]builtin{
		"toChars": {0, 0, (*compiler).toChars},
		"split":   {1, 1, (*compiler).split},
		"join":    {0, 1, (*compiler).join},
	})
}

func asks(ask func(s, arg string) bool) func(*state, *scalar, []scalar, int) (scalar, bool, error) {
	return func(_ *state, in *scalar, args []scalar, _ int) (scalar, bool, error) {
		r := scalar{kind: sysBoolean}
		if ask(in.str, args[0].str) {
			r.num = 1
		}
		return r, true, nil
	}
}

func edits(edit func(string) string) func(*state, *scalar, []scalar, int) (scalar, bool, error) {
	return func(st *state, in *scalar, _ []scalar, _ int) (scalar, bool, error) {
		return text(edit(in.str)), true, st.spendText(len(in.str))
	}
}

func text(s string) scalar    { return scalar{kind: sysString, str: s} }
func number(n int) scalar     { return scalar{kind: sysInteger, num: int64(n)} }
func characters(s string) int { return utf8.RuneCountInString(s) }

func indexOf(_ *state, in *scalar, args []scalar, _ int) (scalar, bool, error) {
	return position(in.str, strings.Index(in.str, args[0].str)), true, nil
}

func lastIndexOf(_ *state, in *scalar, args []scalar, _ int) (scalar, bool, error) {
	return position(in.str, strings.LastIndex(in.str, args[0].str)), true, nil
}

// position turns a byte offset into one of characters.
func position(s string, i int) scalar {
	if i < 0 {
		return number(-1)
	}
	return number(characters(s[:i]))
}

func substring(_ *state, in *scalar, args []scalar, _ int) (scalar, bool, error) {
	start, ok := offset(in.str, args[0].num)
	if !ok || start == len(in.str) {
		return scalar{}, false, nil
	}
	s := in.str[start:]
	if len(args) == 2 {
		if end, ok := offset(s, max(args[1].num, 0)); ok {
			s = s[:end]
		}
	}
	return text(s), true, nil
}

// offset is where character n starts; false when the text is shorter.
func offset(s string, n int64) (int, bool) {
	if n < 0 {
		return 0, false
	}
	for i := range s {
		if n == 0 {
			return i, true
		}
		n--
	}
	return len(s), n == 0
}

func length(_ *state, in *scalar, _ []scalar, _ int) (scalar, bool, error) {
	return number(characters(in.str)), true, nil
}

func replace(st *state, in *scalar, args []scalar, _ int) (scalar, bool, error) {
	old, by := args[0].str, args[1].str
	count := strings.Count(in.str, old)
	if err := st.spendText(len(in.str) + count*max(0, len(by)-len(old))); err != nil {
		return scalar{}, false, err
	}
	return text(strings.ReplaceAll(in.str, old, by)), true, nil
}

func (c *compiler) toChars(n *node, in static) (apply, static, error) {
	return c.pieces(n, in, func(st *state, s string) error {
		for s != "" {
			_, size := utf8.DecodeRuneInString(s)
			st.push(String(s[:size]))
			s = s[size:]
			if err := st.spend(1); err != nil {
				return err
			}
		}
		return nil
	})
}

// pieces builds a function from one String to several.
func (c *compiler) pieces(n *node, in static, cut func(*state, string) error) (apply, static, error) {
	if !in.fits(1 << sysString) {
		return nil, static{}, c.src.mistyped(n.pos, "%s() works on String, not on %s", n.text, in)
	}
	return func(st *state, base int) error {
		if _, err := st.one(base, n.pos, n.label); err != nil || len(st.stack) == base {
			return err
		}
		var s scalar
		if ok, err := st.take(&s, base, 1<<sysString, n); err != nil || !ok {
			st.cut(base)
			return err
		}
		st.cut(base)
		return cut(st, s.str)
	}, staticOf(sysString), nil
}

func (c *compiler) split(n *node, in static) (apply, static, error) {
	separator, err := c.value(n, 0, 1<<sysString)
	if err != nil {
		return nil, static{}, err
	}
	return c.pieces(n, in, func(st *state, s string) error {
		by, ok, err := st.word(n, separator)
		if err != nil || !ok {
			return err
		}
		for part := range strings.SplitSeq(s, by) {
			st.push(String(part))
			if err := st.spend(1); err != nil {
				return err
			}
		}
		return nil
	})
}

func (c *compiler) join(n *node, in static) (apply, static, error) {
	if !in.fits(1 << sysString) {
		return nil, static{}, c.src.mistyped(n.pos, "join() works on String, not on %s", in)
	}
	var separator code
	if len(n.args) == 1 {
		var err error
		if separator, err = c.value(n, 0, 1<<sysString); err != nil {
			return nil, static{}, err
		}
	}
	return func(st *state, base int) error {
		end, by := len(st.stack), ""
		if separator != nil {
			var err error
			if by, _, err = st.word(n, separator); err != nil {
				return err
			}
		}
		var b strings.Builder
		joined := false
		for i := base; i < end; i++ {
			var s scalar
			ok, err := st.take(&s, i, 1<<sysString, n)
			if err != nil {
				return err
			}
			if !ok {
				continue
			}
			if joined {
				b.WriteString(by)
			}
			joined = true
			b.WriteString(s.str)
			if err := st.spendText(b.Len()); err != nil {
				return err
			}
		}
		st.cut(base)
		if joined {
			st.push(String(b.String()))
		}
		return nil
	}, staticOf(sysString), nil
}
