package jpeg2000

import "math/bits"

// The MQ decoder (annex C).

// mqState is one state of the probability estimation, for one most probable
// symbol.
type mqState struct {
	qe         uint32
	mps        uint8
	nmps, nlps uint8
}

// mqStates are those of table C.2, twice each: index·2 + MPS.
var mqStates = func() (t [94]mqState) {
	rows := [47]struct {
		qe         uint32
		nmps, nlps uint8
		turn       bool
	}{
		{0x5601, 1, 1, true}, {0x3401, 2, 6, false}, {0x1801, 3, 9, false}, {0x0AC1, 4, 12, false},
		{0x0521, 5, 29, false}, {0x0221, 38, 33, false}, {0x5601, 7, 6, true}, {0x5401, 8, 14, false},
		{0x4801, 9, 14, false}, {0x3801, 10, 14, false}, {0x3001, 11, 17, false}, {0x2401, 12, 18, false},
		{0x1C01, 13, 20, false}, {0x1601, 29, 21, false}, {0x5601, 15, 14, true}, {0x5401, 16, 14, false},
		{0x5101, 17, 15, false}, {0x4801, 18, 16, false}, {0x3801, 19, 17, false}, {0x3401, 20, 18, false},
		{0x3001, 21, 19, false}, {0x2801, 22, 19, false}, {0x2401, 23, 20, false}, {0x2201, 24, 21, false},
		{0x1C01, 25, 22, false}, {0x1801, 26, 23, false}, {0x1601, 27, 24, false}, {0x1401, 28, 25, false},
		{0x1201, 29, 26, false}, {0x1101, 30, 27, false}, {0x0AC1, 31, 28, false}, {0x09C1, 32, 29, false},
		{0x08A1, 33, 30, false}, {0x0521, 34, 31, false}, {0x0441, 35, 32, false}, {0x02A1, 36, 33, false},
		{0x0221, 37, 34, false}, {0x0141, 38, 35, false}, {0x0111, 39, 36, false}, {0x0085, 40, 37, false},
		{0x0049, 41, 38, false}, {0x0025, 42, 39, false}, {0x0015, 43, 40, false}, {0x0009, 44, 41, false},
		{0x0005, 45, 42, false}, {0x0001, 45, 43, false}, {0x5601, 46, 46, false},
	}
	for i, r := range rows {
		for mps := range uint8(2) {
			s := mqState{qe: r.qe, mps: mps, nmps: r.nmps*2 + mps, nlps: r.nlps*2 + mps}
			if r.turn {
				s.nlps ^= 1
			}
			t[2*i+int(mps)] = s
		}
	}
	return t
}()

// Contexts (table D.7).
const (
	contextSign     = 9
	contextRefine   = 14
	contextRun      = 17
	contextUniform  = 18
	contexts        = 19
	stateRun        = 3 * 2
	stateFirstZero  = 4 * 2
	stateUniform    = 46 * 2
	segmentSentinel = 2 // bytes of FF that follow the data of a segment
)

// mq decodes one segment.
type mq struct {
	b    []byte // ends with the sentinel
	i    int
	a, c uint32
	left uint32 // shifts until the next byte
	cx   [32]uint8
}

// begin starts a segment.
func (m *mq) begin(b []byte) {
	m.b, m.i = b, 0
	m.c = uint32(b[0]) << 16
	m.next()
	m.c <<= 7
	m.left -= 7
	m.a = 0x8000
}

// reset gives all contexts their first state.
func (m *mq) reset() {
	m.cx = [32]uint8{0: stateFirstZero, contextRun: stateRun, contextUniform: stateUniform}
}

// next takes a byte; beyond a marker, and so at the sentinel, it takes ones.
func (m *mq) next() {
	b1 := uint32(m.b[m.i+1])
	if m.b[m.i] == 0xFF {
		if b1 > 0x8F {
			m.c += 0xFF00
			m.left = 8
			return
		}
		m.i++
		m.c += b1 << 9
		m.left = 7
		return
	}
	m.i++
	m.c += b1 << 8
	m.left = 8
}

// bit decodes a decision in a context.
func (m *mq) bit(context uint8) uint32 {
	s := &mqStates[m.cx[context&31]%94]
	m.a -= s.qe
	if m.c>>16 >= s.qe {
		m.c -= s.qe << 16
		if m.a&0x8000 != 0 {
			return uint32(s.mps)
		}
		if m.a < s.qe {
			m.cx[context&31] = s.nlps
			m.renew()
			return uint32(1 - s.mps)
		}
		m.cx[context&31] = s.nmps
		m.renew()
		return uint32(s.mps)
	}
	d := s.mps
	if m.a < s.qe {
		m.cx[context&31] = s.nmps
	} else {
		d ^= 1
		m.cx[context&31] = s.nlps
	}
	m.a = s.qe
	m.renew()
	return uint32(d)
}

func (m *mq) renew() {
	for {
		if m.left == 0 {
			m.next()
		}
		n := min(uint32(bits.LeadingZeros16(uint16(m.a))), m.left)
		m.a <<= n
		m.c <<= n
		m.left -= n
		if m.a&0x8000 != 0 {
			return
		}
	}
}

// raw reads bits that were not coded: after FF, seven (D.6).
type raw struct {
	b    []byte
	i    int
	last uint32
	left uint32
}

func (r *raw) bit() uint32 {
	if r.left == 0 {
		r.left = 8
		if r.last == 0xFF {
			r.left = 7
		}
		r.last = 0xFF
		if r.i < len(r.b) {
			r.last = uint32(r.b[r.i])
			r.i++
		}
	}
	r.left--
	return r.last >> r.left & 1
}
