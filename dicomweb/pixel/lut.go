package pixel

// LUT is a look-up table: Modality, VOI or palette.
// https://dicom.nema.org/medical/dicom/current/output/html/part03.html#sect_C.11.1.1
type LUT struct {
	First int // the value that the first entry stands for; lower ones map to it too
	Bits  int // of an entry, 8 to 16
	Data  []uint16
}

// NewLUT reads a descriptor and its data: little endian words, or bytes where
// they hold no more than one byte an entry.
func NewLUT(count, first, bits int, data []byte) (*LUT, error) {
	if count == 0 {
		count = 1 << 16
	}
	if count < 0 || count > 1<<16 || bits < 8 || bits > 16 {
		return nil, malformed("a look-up table of %d entries of %d bits", count, bits)
	}
	l := &LUT{First: first, Bits: bits, Data: make([]uint16, count)}
	switch {
	case len(data) >= 2*count:
		for i := range l.Data {
			l.Data[i] = uint16(data[2*i]) | uint16(data[2*i+1])<<8
		}
	case bits == 8 && len(data) >= count:
		for i := range l.Data {
			l.Data[i] = uint16(data[i])
		}
	default:
		return nil, malformed("a look-up table of %d entries in %d bytes", count, len(data))
	}
	return l, nil
}

// at maps a value; those outside the table map to its ends.
func (l *LUT) at(v float64) uint16 {
	i := int(min(max(v-float64(l.First), 0), float64(len(l.Data)-1)))
	return l.Data[i]
}

// unit maps a value to 0 … 1.
func (l *LUT) unit(v float64) float64 {
	return min(float64(l.at(v))/float64(int(1)<<l.Bits-1), 1)
}
