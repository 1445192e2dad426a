package pixel

import "math/bits"

// JPEG-LS: what coder and decoder share, the LOCO-I model of contexts.
// https://www.itu.int/rec/T-REC-T.87 (Annex A; names are those of the standard)

// locoParams are MAXVAL, NEAR and the preset coding parameters.
type locoParams struct {
	maxval, near, t1, t2, t3, reset int
	span, qbpp, limit               int // RANGE, qbpp, LIMIT
}

// defaults fills what is 0 (C.2.4.1.1) and what follows from it.
func (p *locoParams) defaults() {
	first := func(v, otherwise int) int {
		if v != 0 {
			return v
		}
		return otherwise
	}
	clamp := func(v, least int) int {
		if v > p.maxval || v < least {
			return least
		}
		return v
	}
	t1, t2, t3 := 3*p.near, 5*p.near, 7*p.near
	if p.maxval >= 128 {
		factor := (min(p.maxval, 4095) + 128) / 256
		t1, t2, t3 = t1+factor+2, t2+4*factor+3, t3+17*factor+4
	} else {
		factor := 256 / (p.maxval + 1)
		t1, t2, t3 = max(2, t1+3/factor), max(3, t2+7/factor), max(4, t3+21/factor)
	}
	p.t1 = first(p.t1, clamp(t1, p.near+1))
	p.t2 = first(p.t2, clamp(t2, p.t1))
	p.t3 = first(p.t3, clamp(t3, p.t2))
	p.reset = first(p.reset, 64)
	p.span = (p.maxval+2*p.near)/(2*p.near+1) + 1
	p.qbpp = bits.Len(uint(p.span - 1))
	bpp := max(2, bits.Len(uint(p.maxval)))
	p.limit = 2 * (bpp + max(8, bpp))
}

func (p *locoParams) check() error {
	if p.near > min(255, p.maxval/2) || p.t1 < p.near+1 || p.t2 < p.t1 || p.t3 < p.t2 || p.t3 > p.maxval ||
		p.reset < 3 || p.reset > max(255, p.maxval) {
		return malformed("JPEG-LS parameters NEAR %d, T %d %d %d, RESET %d at MAXVAL %d", p.near, p.t1, p.t2, p.t3, p.reset, p.maxval)
	}
	return nil
}

// locoContext is A, B, C, N; the contexts of run interruption use b for Nn.
type locoContext struct{ a, b, c, n int }

// locoModel is the state of one scan.
type locoModel struct {
	locoParams
	contexts [367]locoContext
	quantum  []int8 // Q of a difference, at difference + MAXVAL
}

// runOrder is J.
var runOrder = [32]int{0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 9, 10, 11, 12, 13, 14, 15}

func newLocoModel(p locoParams) *locoModel {
	m := &locoModel{locoParams: p, quantum: make([]int8, 2*p.maxval+1)}
	for i := range m.contexts {
		m.contexts[i] = locoContext{a: max(2, (p.span+32)/64), n: 1}
	}
	for i := range m.quantum {
		m.quantum[i] = p.quantise(i - p.maxval)
	}
	return m
}

// quantise is Q of a local gradient (A.3.3).
func (p *locoParams) quantise(d int) int8 {
	size := max(d, -d)
	q := int8(4)
	switch {
	case size <= p.near:
		return 0
	case size < p.t1:
		q = 1
	case size < p.t2:
		q = 2
	case size < p.t3:
		q = 3
	}
	if d < 0 {
		return -q
	}
	return q
}

// context is the context of four neighbours, below 0 where the sign turns; 0 is
// where a run may begin.
func (m *locoModel) context(a, b, c, d int) int {
	return 81*int(m.quantum[d-b+m.maxval]) + 9*int(m.quantum[b-c+m.maxval]) + int(m.quantum[c-a+m.maxval])
}

// median is the edge-detecting predictor (A.4.1).
func median(a, b, c int) int {
	switch {
	case c >= max(a, b):
		return min(a, b)
	case c <= min(a, b):
		return max(a, b)
	}
	return a + b - c
}

func (m *locoModel) clamp(v int) int { return min(max(v, 0), m.maxval) }

// golomb is k of a context (A.5.1).
func golomb(a, n int) int {
	k := 0
	for n<<k < a {
		k++
	}
	return k
}

// update learns an error in a regular context (A.6).
func (m *locoModel) update(x *locoContext, e int) {
	x.b += e * (2*m.near + 1)
	x.a += max(e, -e)
	if x.n == m.reset {
		x.a >>= 1
		x.b >>= 1
		x.n >>= 1
	}
	x.n++
	switch {
	case x.b <= -x.n:
		x.b = max(x.b+x.n, 1-x.n)
		x.c = max(x.c-1, -128)
	case x.b > 0:
		x.b = min(x.b-x.n, 0)
		x.c = min(x.c+1, 127)
	}
}

// updateRun learns an error in a context of run interruption (A.7.2.2).
func (m *locoModel) updateRun(x *locoContext, e, mapped, kind int) {
	if e < 0 {
		x.b++
	}
	x.a += (mapped + 1 - kind) >> 1
	if x.n == m.reset {
		x.a >>= 1
		x.b >>= 1
		x.n >>= 1
	}
	x.n++
}

// rebuild is the sample of a prediction and its error (A.4.4, A.8).
func (m *locoModel) rebuild(predicted, e int) int {
	step := 2*m.near + 1
	v := predicted + e*step
	switch {
	case v < -m.near:
		v += m.span * step
	case v > m.maxval+m.near:
		v -= m.span * step
	}
	return m.clamp(v)
}
