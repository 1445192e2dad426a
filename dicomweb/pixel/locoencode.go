package pixel

// EncodeJPEGLS writes a frame of 8 or 16 bits as lossless JPEG-LS with the
// default parameters, colour line by line. All bits of the samples are kept,
// those beyond BitsStored too.
func EncodeJPEGLS(f *Frame) ([]byte, error) {
	if f.Allocated != 8 && f.Allocated != 16 {
		return nil, unsupported("JPEG-LS of %d bits", f.Allocated)
	}
	mode := byte(byScan)
	if f.Samples > 1 {
		mode = byLine
	}
	p := locoParams{maxval: 1<<f.Allocated - 1}
	p.defaults()
	out := append(make([]byte, 0, len(f.Data)/2), 0xFF, markerSOI)
	out = f.appendFrameHeader(out, markerSOF55)
	out = f.appendScanHeader(out, 0, 0, mode)
	w := &locoWriter{locoModel: newLocoModel(p), width: f.Columns, out: locoBitWriter{out: out}}
	now, above := locoLines(f.Samples, f.Columns), locoLines(f.Samples, f.Columns)
	runs, row := make([]int, f.Samples), make([]int32, f.Columns)
	for y := range f.Rows {
		for i := range now {
			f.row(y, i, row)
			for x, v := range row {
				now[i][x+1] = int(v)
			}
			now[i][0], above[i][f.Columns+1] = above[i][1], above[i][f.Columns]
			w.line(now[i], above[i], &runs[i])
		}
		now, above = above, now
	}
	return padded(append(w.out.end(), 0xFF, markerEOI)), nil
}

// locoWriter codes the samples of a scan without loss.
type locoWriter struct {
	*locoModel
	out   locoBitWriter
	width int
}

func (w *locoWriter) line(now, above []int, run *int) {
	for x := 1; x <= w.width; {
		a, b, c, d := now[x-1], above[x], above[x-1], above[x+1]
		if q := w.context(a, b, c, d); q != 0 {
			w.regular(q, now[x], a, b, c)
			x++
			continue
		}
		n := 0
		for x+n <= w.width && now[x+n] == a {
			n++
		}
		whole := x+n > w.width
		w.runLength(n, whole, run)
		if x += n; !whole {
			w.interruption(now[x], a, above[x], *run)
			*run = max(*run-1, 0)
			x++
		}
	}
}

// wrap reduces an error modulo RANGE (A.4.5).
func (w *locoWriter) wrap(e int) int {
	if e < 0 {
		e += w.span
	}
	if e >= (w.span+1)/2 {
		e -= w.span
	}
	return e
}

func (w *locoWriter) regular(q, v, a, b, c int) {
	sign := 1
	if q < 0 {
		q, sign = -q, -1
	}
	x := &w.contexts[q]
	e := w.wrap(sign * (v - w.clamp(median(a, b, c)+sign*x.c)))
	k := golomb(x.a, x.n)
	turned := e
	if k == 0 && 2*x.b <= -x.n {
		turned = -e - 1
	}
	mapped := 2 * turned
	if turned < 0 {
		mapped = -mapped - 1
	}
	w.out.golomb(mapped, k, w.limit, w.qbpp)
	w.update(x, e)
}

func (w *locoWriter) runLength(n int, whole bool, run *int) {
	for n >= 1<<runOrder[*run] {
		w.out.put(1, 1)
		n -= 1 << runOrder[*run]
		*run = min(*run+1, 31)
	}
	switch {
	case !whole:
		w.out.put(0, 1)
		w.out.put(n, runOrder[*run])
	case n > 0:
		w.out.put(1, 1)
	}
}

func (w *locoWriter) interruption(v, a, b, run int) {
	kind, e := 0, v-b
	switch {
	case a == b:
		kind, e = 1, v-a
	case a > b:
		e = -e
	}
	e = w.wrap(e)
	x := &w.contexts[365+kind]
	k := golomb(x.a+kind*(x.n>>1), x.n)
	odd := 0
	if e > 0 && k == 0 && 2*x.b < x.n || e < 0 && (k != 0 || 2*x.b >= x.n) {
		odd = 1
	}
	mapped := 2*max(e, -e) - kind - odd
	w.out.golomb(mapped, k, w.limit-runOrder[run]-1, w.qbpp)
	w.updateRun(x, e, mapped, kind)
}

// locoBitWriter writes bits with a zero bit after each FF.
type locoBitWriter struct {
	out []byte
	acc uint64 // the lowest n bits are not written yet
	n   int
}

func (w *locoBitWriter) put(v, n int) {
	for n > 32 {
		n -= 32
		w.put(v>>n, 32)
		v &= 1<<n - 1
	}
	w.acc, w.n = w.acc<<n|uint64(v), w.n+n
	for w.n >= 8 {
		w.flush()
	}
}

// flush writes one byte.
func (w *locoBitWriter) flush() {
	width := w.width()
	w.n -= width
	w.out = append(w.out, byte(w.acc>>w.n)&(1<<width-1))
}

// width is the number of bits that the next byte holds.
func (w *locoBitWriter) width() int {
	if len(w.out) > 0 && w.out[len(w.out)-1] == 0xFF {
		return 7
	}
	return 8
}

func (w *locoBitWriter) golomb(v, k, limit, qbpp int) {
	if high := v >> k; high < limit-qbpp-1 {
		w.put(1, high+1)
		w.put(v&(1<<k-1), k)
		return
	}
	w.put(1, limit-qbpp)
	w.put(v-1, qbpp)
}

// end fills the last byte with zeros; a scan never ends with FF.
func (w *locoBitWriter) end() []byte {
	for w.n > 0 {
		if rest := w.width() - w.n; rest > 0 {
			w.acc, w.n = w.acc<<rest, w.n+rest
		}
		w.flush()
	}
	if w.out[len(w.out)-1] == 0xFF {
		w.out = append(w.out, 0)
	}
	return w.out
}
