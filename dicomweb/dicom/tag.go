package dicom

import (
	"fmt"
	"strconv"
)

// Tag is group and element: (0010,0020) is 0x00100020.
type Tag uint32

// Tags that this package or its doors treat apart. The rest are found by
// keyword in the dictionary.
const (
	ItemTag             Tag = 0xFFFEE000
	ItemDelimiter       Tag = 0xFFFEE00D
	SequenceDelimiter   Tag = 0xFFFEE0DD
	TrailingPadding     Tag = 0xFFFCFFFC
	MetaGroupLength     Tag = 0x00020000
	MediaSOPClass       Tag = 0x00020002
	MediaSOPInstance    Tag = 0x00020003
	TransferSyntaxUID   Tag = 0x00020010
	CharacterSet        Tag = 0x00080005
	SOPClassUID         Tag = 0x00080016
	SOPInstanceUID      Tag = 0x00080018
	PatientName         Tag = 0x00100010
	PatientID           Tag = 0x00100020
	StudyInstanceUID    Tag = 0x0020000D
	SeriesInstanceUID   Tag = 0x0020000E
	SamplesPerPixel     Tag = 0x00280002
	NumberOfFrames      Tag = 0x00280008
	Rows                Tag = 0x00280010
	Columns             Tag = 0x00280011
	BitsAllocated       Tag = 0x00280100
	PixelRepresentation Tag = 0x00280103
	ExtendedOffsets     Tag = 0x7FE00001
	ExtendedLengths     Tag = 0x7FE00002
	FloatPixelData      Tag = 0x7FE00008
	DoublePixelData     Tag = 0x7FE00009
	PixelData           Tag = 0x7FE00010
)

// Group is the first half.
func (t Tag) Group() uint16 { return uint16(t >> 16) }

// Element is the second half.
func (t Tag) Element() uint16 { return uint16(t) }

// Private tells whether the group is odd: the meaning is the maker's own.
func (t Tag) Private() bool { return t>>16&1 == 1 }

// IsPixelData tells whether the element holds pixels (PS3.5 §8).
func (t Tag) IsPixelData() bool {
	return t == PixelData || t == FloatPixelData || t == DoublePixelData
}

// String is the eight hexadecimal digits of DICOM JSON: "00100020".
func (t Tag) String() string { return fmt.Sprintf("%08X", uint32(t)) }

// ParseTag reads eight hexadecimal digits.
func ParseTag(s string) (Tag, bool) {
	if len(s) != 8 {
		return 0, false
	}
	n, err := strconv.ParseUint(s, 16, 32)
	return Tag(n), err == nil
}
