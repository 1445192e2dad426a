package pixel

import "encoding/binary"

// JPEG-LS, lossless and near-lossless.
// https://www.itu.int/rec/T-REC-T.87

// How the components of a scan follow each other.
const (
	byScan  = 0
	byLine  = 1
	byPixel = 2
)

// locoStream is the state of one stream.
type locoStream struct {
	frame  *Frame
	header *frameHeader
	preset locoParams
	done   int
}

// loco decodes one frame of JPEG-LS.
func loco(f Format, stream []byte) (*Frame, error) {
	d := &locoStream{}
	walk := &segments{b: stream}
	err := walk.each(func(marker byte, body []byte) (done bool, err error) {
		switch marker {
		case markerSOF55:
			d.header, d.frame, err = beginFrame(d.header, marker, f, body)
		case markerLSE:
			err = d.parameters(body)
		case markerSOS:
			err = d.scan(walk, body)
		case 0xE8: // APP8
			if len(body) >= 5 && string(body[:4]) == "mrfx" && body[4] != 0 {
				err = unsupported("the colour transform of one maker's JPEG-LS")
			}
		case markerDRI:
			err = unsupported("JPEG-LS with restart intervals")
		case markerSOF0, markerSOF1, markerSOF2, markerSOF3:
			err = malformed("a JPEG stream (marker FF%X) where JPEG-LS should be", marker)
		}
		return err == nil && d.header != nil && d.done == len(d.header.components), err
	})
	if err != nil {
		return nil, err
	}
	return d.frame, nil
}

// parameters reads LSE.
func (d *locoStream) parameters(b []byte) error {
	if len(b) < 11 || b[0] != 1 {
		return unsupported("JPEG-LS with mapping tables or extended size")
	}
	n := func(i int) int { return int(binary.BigEndian.Uint16(b[i:])) }
	d.preset = locoParams{maxval: n(1), t1: n(3), t2: n(5), t3: n(7), reset: n(9)}
	return nil
}

func (d *locoStream) scan(walk *segments, body []byte) error {
	s, err := parseScanHeader(d.header, body)
	if err != nil {
		return err
	}
	for _, t := range s.tables {
		if t != 0 {
			return unsupported("JPEG-LS with mapping tables")
		}
	}
	if s.c != 0 || s.b > byPixel || s.b == byScan && len(s.components) != 1 {
		return malformed("JPEG-LS interleave mode %d of %d components, transform %d", s.b, len(s.components), s.c)
	}
	p := d.preset
	p.near = int(s.a)
	if p.maxval == 0 {
		p.maxval = 1<<d.header.precision - 1
	}
	if p.maxval >= 1<<d.header.precision {
		return malformed("MAXVAL %d in %d bits", p.maxval, d.header.precision)
	}
	p.defaults()
	if err := p.check(); err != nil {
		return err
	}
	r := &locoReader{locoModel: newLocoModel(p), in: locoBits{b: walk.b, i: walk.i}, width: d.header.cols}
	if err := d.rows(r, s); err != nil {
		return err
	}
	walk.i = r.in.end()
	d.done += len(s.components)
	return nil
}

func (d *locoStream) rows(r *locoReader, s *scanHeader) error {
	now, above := locoLines(len(s.components), r.width), locoLines(len(s.components), r.width)
	runs := make([]int, len(s.components))
	row := make([]int32, r.width)
	for y := range d.header.rows {
		for i := range now {
			now[i][0], above[i][r.width+1] = above[i][1], above[i][r.width]
		}
		if s.b == byPixel && len(now) > 1 {
			r.pixels(now, above, &runs[0])
		} else {
			for i := range now {
				r.line(now[i], above[i], &runs[i])
			}
		}
		if r.in.short {
			return errShort
		}
		for i, c := range s.components {
			for x := range row {
				row[x] = int32(now[i][x+1])
			}
			d.frame.putRow(y, c, row, 0)
		}
		now, above = above, now
	}
	return nil
}

// locoLines are the lines of the components of a scan, with one sample more on
// either side; what is above the first line is 0.
func locoLines(components, width int) [][]int {
	l := make([][]int, components)
	for i := range l {
		l[i] = make([]int, width+2)
	}
	return l
}

// locoReader decodes the samples of a scan.
type locoReader struct {
	*locoModel
	in    locoBits
	width int
}

// line decodes one line of one component.
func (r *locoReader) line(now, above []int, run *int) {
	for x := 1; x <= r.width; {
		a, b, c, d := now[x-1], above[x], above[x-1], above[x+1]
		if q := r.context(a, b, c, d); q != 0 {
			now[x] = r.regular(q, a, b, c)
			x++
			continue
		}
		n, whole := r.runLength(r.width+1-x, run)
		for range n {
			now[x] = a
			x++
		}
		if !whole {
			now[x] = r.interruption(a, above[x], *run)
			*run = max(*run-1, 0)
			x++
		}
		if r.in.short {
			return
		}
	}
}

// pixels decodes one line of all components, pixel by pixel: a run is one of
// all of them.
func (r *locoReader) pixels(now, above [][]int, run *int) {
	for x := 1; x <= r.width; {
		flat := true
		var q [4]int
		for i := range now {
			q[i] = r.context(now[i][x-1], above[i][x], above[i][x-1], above[i][x+1])
			flat = flat && q[i] == 0
		}
		if !flat {
			for i := range now {
				now[i][x] = r.regular(q[i], now[i][x-1], above[i][x], above[i][x-1])
			}
			x++
			continue
		}
		n, whole := r.runLength(r.width+1-x, run)
		for range n {
			for i := range now {
				now[i][x] = now[i][x-1]
			}
			x++
		}
		if !whole {
			for i := range now {
				now[i][x] = r.interrupted(0, now[i][x-1], above[i][x], *run)
			}
			*run = max(*run-1, 0)
			x++
		}
		if r.in.short {
			return
		}
	}
}

// regular decodes one sample in a context (A.4, A.5).
func (r *locoReader) regular(q, a, b, c int) int {
	sign := 1
	if q < 0 {
		q, sign = -q, -1
	}
	x := &r.contexts[q]
	predicted := r.clamp(median(a, b, c) + sign*x.c)
	k := golomb(x.a, x.n)
	mapped := r.in.golomb(k, r.limit, r.qbpp)
	if mapped > 2*r.span {
		r.in.short = true
		return 0
	}
	e := mapped >> 1
	if mapped&1 != 0 {
		e = -e - 1
	}
	if r.near == 0 && k == 0 && 2*x.b <= -x.n {
		e = -e - 1
	}
	r.update(x, e)
	return r.rebuild(predicted, sign*e)
}

// runLength decodes the length of a run of at most left samples; whole: it ends
// with the line (A.7.1).
func (r *locoReader) runLength(left int, run *int) (n int, whole bool) {
	for r.in.take(1) == 1 {
		step := 1 << runOrder[*run]
		if n+step <= left {
			*run = min(*run+1, 31)
		}
		if n += step; n >= left {
			return left, true
		}
	}
	n += r.in.take(runOrder[*run])
	if n >= left { // the stream is damaged
		r.in.short = true
		return left, true
	}
	return n, false
}

// interruption decodes the sample that ended a run (A.7.2).
func (r *locoReader) interruption(a, b, run int) int {
	if d := a - b; max(d, -d) <= r.near {
		return r.interrupted(1, a, b, run)
	}
	return r.interrupted(0, a, b, run)
}

func (r *locoReader) interrupted(kind, a, b, run int) int {
	x := &r.contexts[365+kind]
	k := golomb(x.a+kind*(x.n>>1), x.n)
	mapped := r.in.golomb(k, r.limit-runOrder[run]-1, r.qbpp)
	if mapped > 2*r.span {
		r.in.short = true
		return 0
	}
	odd := (mapped + kind) & 1
	e := (mapped + kind + odd) / 2
	if (k != 0 || 2*x.b >= x.n) == (odd == 1) {
		e = -e
	}
	r.updateRun(x, e, mapped, kind)
	if kind == 1 {
		return r.rebuild(a, e)
	}
	if a > b {
		e = -e
	}
	return r.rebuild(b, e)
}
