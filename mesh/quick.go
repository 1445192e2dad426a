package mesh

// quickFacet reads what follows the word "facet" straight from the window, in
// the lower-case form that nearly every writer uses. It returns the number of
// bytes and line ends that it used, or 0 when the text is anything else or
// runs past the window: then the slow reader takes the same bytes, and it
// alone decides what is wrong with them.
func quickFacet(b []byte, f *facet) (used, lines int) {
	c := cursor{b: b}
	c.keyword("normal")
	for i := range f {
		if i%3 == 0 && i > 0 {
			if i == 3 {
				c.keyword("outer")
				c.keyword("loop")
			}
			c.keyword("vertex")
		}
		f[i] = c.number()
	}
	c.keyword("endloop")
	c.keyword("endfacet")
	if c.failed {
		return 0, 0
	}
	return c.at, c.lines
}

// cursor walks over a window; once failed it stays failed.
type cursor struct {
	b      []byte
	at     int
	lines  int
	failed bool
}

func (c *cursor) skip() {
	b, i := c.b, c.at
	for ; i < len(b) && b[i] <= ' '; i++ {
		switch b[i] {
		case ' ', '\t':
		case '\r':
			c.lines++
		case '\n':
			if i == 0 || b[i-1] != '\r' {
				c.lines++
			}
		default:
			c.failed = true
			return
		}
	}
	c.at = i
}

func (c *cursor) keyword(k string) {
	c.skip()
	end := c.at + len(k)
	if end >= len(c.b) || string(c.b[c.at:end]) != k || c.b[end] > ' ' {
		c.failed = true
		return
	}
	c.at = end
}

// number reads [-]digits[.digits][e[sign]digits] with at most 15 digits; see
// roundDecimal for why the result is exact.
func (c *cursor) number() uint32 {
	c.skip()
	b, i := c.b, c.at
	var sign uint32
	if i < len(b) && b[i] == '-' {
		sign = 1 << 31
		i++
	}
	start := i
	var mantissa uint64
	for ; i < len(b) && b[i]-'0' <= 9; i++ {
		mantissa = mantissa*10 + uint64(b[i]-'0')
	}
	digits, exponent := i-start, 0
	if i < len(b) && b[i] == '.' {
		i++
		start = i
		for ; i < len(b) && b[i]-'0' <= 9; i++ {
			mantissa = mantissa*10 + uint64(b[i]-'0')
		}
		exponent = start - i
		digits += i - start
	}
	if digits < 1 || digits > 19 || mantissa >= 1e15 || i >= len(b) {
		c.failed = true
		return 0
	}
	if b[i] > ' ' {
		end := i
		for end < len(b) && b[end] > ' ' {
			end++
		}
		power, ok := powerOfTen(b[i:end])
		if !ok || end == len(b) {
			c.failed = true
			return 0
		}
		exponent += power
		i = end
	}
	u, ok := roundDecimal(mantissa, exponent)
	if !ok {
		c.failed = true
		return 0
	}
	c.at = i
	return u | sign
}
