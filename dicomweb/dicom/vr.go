package dicom

// VR is a value representation: its two letters, the first in the high byte.
// https://dicom.nema.org/medical/dicom/current/output/html/part05.html#sect_6.2
type VR uint16

// The value representations of PS3.5 table 6.2-1.
const (
	AE VR = 'A'<<8 | 'E'
	AS VR = 'A'<<8 | 'S'
	AT VR = 'A'<<8 | 'T'
	CS VR = 'C'<<8 | 'S'
	DA VR = 'D'<<8 | 'A'
	DS VR = 'D'<<8 | 'S'
	DT VR = 'D'<<8 | 'T'
	FD VR = 'F'<<8 | 'D'
	FL VR = 'F'<<8 | 'L'
	IS VR = 'I'<<8 | 'S'
	LO VR = 'L'<<8 | 'O'
	LT VR = 'L'<<8 | 'T'
	OB VR = 'O'<<8 | 'B'
	OD VR = 'O'<<8 | 'D'
	OF VR = 'O'<<8 | 'F'
	OL VR = 'O'<<8 | 'L'
	OV VR = 'O'<<8 | 'V'
	OW VR = 'O'<<8 | 'W'
	PN VR = 'P'<<8 | 'N'
	SH VR = 'S'<<8 | 'H'
	SL VR = 'S'<<8 | 'L'
	SQ VR = 'S'<<8 | 'Q'
	SS VR = 'S'<<8 | 'S'
	ST VR = 'S'<<8 | 'T'
	SV VR = 'S'<<8 | 'V'
	TM VR = 'T'<<8 | 'M'
	UC VR = 'U'<<8 | 'C'
	UI VR = 'U'<<8 | 'I'
	UL VR = 'U'<<8 | 'L'
	UN VR = 'U'<<8 | 'N'
	UR VR = 'U'<<8 | 'R'
	US VR = 'U'<<8 | 'S'
	UT VR = 'U'<<8 | 'T'
	UV VR = 'U'<<8 | 'V'
)

// String is the two letters, or "" for the zero VR.
func (v VR) String() string {
	if v == 0 {
		return ""
	}
	return string([]byte{byte(v >> 8), byte(v)})
}

// kind says how a value is coded.
type kind uint8

const (
	noKind  kind = iota
	textual      // repertoire of the specific character set
	ascii        // default repertoire only
	numeric      // binary numbers of unit bytes
	opaque       // bytes or words, not interpreted
	items        // a sequence
)

// form is what the tokeniser and the JSON writer need to know of a VR.
type form struct {
	kind kind
	unit uint8 // bytes of one number or word: what big endian swaps
	long bool  // 32-bit length in explicit VR (PS3.5 table 7.1-1)
	one  bool  // a backslash does not separate values
}

// formTable is indexed by the two letters, five bits each.
var formTable = func() (t [1024]form) {
	for v, f := range forms {
		t[v.slot()] = f
	}
	return t
}()

// slot packs two capitals into ten bits.
func (v VR) slot() int { return int(v>>8&31)<<5 | int(v&31) }

// form is the zero form for what is no VR of PS3.5.
func (v VR) form() form {
	if a, b := byte(v>>8), byte(v); a < 'A' || a > 'Z' || b < 'A' || b > 'Z' {
		return form{}
	}
	return formTable[v.slot()]
}

var forms = map[VR]form{
	AE: {kind: ascii}, AS: {kind: ascii}, CS: {kind: ascii}, DA: {kind: ascii},
	DS: {kind: ascii}, DT: {kind: ascii}, IS: {kind: ascii}, TM: {kind: ascii},
	UI: {kind: ascii}, UR: {kind: ascii, long: true, one: true},
	LO: {kind: textual}, PN: {kind: textual}, SH: {kind: textual},
	LT: {kind: textual, one: true}, ST: {kind: textual, one: true},
	UC: {kind: textual, long: true}, UT: {kind: textual, long: true, one: true},
	AT: {kind: numeric, unit: 2}, US: {kind: numeric, unit: 2}, SS: {kind: numeric, unit: 2},
	UL: {kind: numeric, unit: 4}, SL: {kind: numeric, unit: 4}, FL: {kind: numeric, unit: 4},
	FD: {kind: numeric, unit: 8},
	SV: {kind: numeric, unit: 8, long: true}, UV: {kind: numeric, unit: 8, long: true},
	OB: {kind: opaque, unit: 1, long: true}, UN: {kind: opaque, unit: 1, long: true},
	OW: {kind: opaque, unit: 2, long: true}, OF: {kind: opaque, unit: 4, long: true},
	OL: {kind: opaque, unit: 4, long: true}, OD: {kind: opaque, unit: 8, long: true},
	OV: {kind: opaque, unit: 8, long: true},
	SQ: {kind: items, long: true},
}

// Known tells whether the VR is one of PS3.5.
func (v VR) Known() bool { return v.form().kind != noKind }

// Binary tells whether DICOM JSON carries the value as bytes.
func (v VR) Binary() bool { return v.form().kind == opaque }

// LongLength tells whether explicit coding gives the VR a length of 32 bits; one
// that is not known has it (PS3.5 §6.2).
func (v VR) LongLength() bool { f := v.form(); return f.kind == noKind || f.long }

// Text tells whether the value is characters.
func (v VR) Text() bool { k := v.form().kind; return k == textual || k == ascii }
