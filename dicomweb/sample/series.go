package sample

import (
	"crypto/sha256"
	"fmt"
	"io"
	"math/big"
	"strings"
	"time"
)

// Options describe a series; zero values work.
type Options struct {
	Seed          int64  // varies UIDs, noise and the place of the defect
	Slices        int    // 8
	Rows, Columns int    // 64
	PatientID     string // SAMPLE-{seed}
	PatientName   string // Sample^{seed}
	BirthDate     string // YYYYMMDD, or ""
	Sex           string // F, M, O, or ""
	Accession     string // ACC-{seed}
	Acquired      time.Time
	// Thickness is the slice thickness and distance in mm, Spacing the distance
	// of pixels: 1.0 and 3.5.
	Thickness, Spacing float64
	// Terse leaves out what a scanner may leave out: thickness and distance of
	// slices, filter, part of the body.
	Terse bool
}

// Series is a CT series whose slices can be written.
type Series struct {
	o         Options
	StudyUID  string
	SeriesUID string
	FrameUID  string // frame of reference
}

// New fills the defaults and derives the UIDs.
func New(o Options) *Series {
	def(&o.Slices, 8)
	def(&o.Rows, 64)
	def(&o.Columns, 64)
	def(&o.PatientID, fmt.Sprintf("SAMPLE-%d", o.Seed))
	def(&o.PatientName, fmt.Sprintf("Sample^%d", o.Seed))
	def(&o.Accession, fmt.Sprintf("ACC-%d", o.Seed))
	def(&o.Thickness, 1)
	def(&o.Spacing, 3.5)
	if o.Acquired.IsZero() {
		o.Acquired = time.Date(2026, 1, 5, 9, 30, 0, 0, time.UTC)
	}
	s := &Series{o: o}
	s.StudyUID, s.SeriesUID, s.FrameUID = s.uid("study"), s.uid("series"), s.uid("frame")
	return s
}

func def[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Len is the number of slices.
func (s *Series) Len() int { return s.o.Slices }

// InstanceUID is the SOP Instance UID of slice i, counted from 0.
func (s *Series) InstanceUID(i int) string { return s.uid(fmt.Sprint("instance ", i)) }

// uid derives a UID under the arc of UUIDs (PS3.5 §B.2).
func (s *Series) uid(of string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "tenon sample %d %s %s %d×%d×%d", s.o.Seed, s.o.PatientID, of, s.o.Slices, s.o.Rows, s.o.Columns))
	sum[6], sum[8] = sum[6]&0x0F|0x80, sum[8]&0x3F|0x80 // a UUID of version 8
	return "2.25." + new(big.Int).SetBytes(sum[:16]).String()
}

const (
	ctImageStorage       = "1.2.840.10008.5.1.4.1.1.2"
	explicitLittleEndian = "1.2.840.10008.1.2.1"
)

// Write writes slice i, counted from 0, as a Part 10 file in explicit little
// endian.
func (s *Series) Write(w io.Writer, i int) error {
	_, err := w.Write(s.Slice(i))
	return err
}

// Slice is slice i as a Part 10 file.
func (s *Series) Slice(i int) []byte {
	var meta, data writer
	meta.text(0x00020002, "UI", ctImageStorage)
	meta.text(0x00020003, "UI", s.InstanceUID(i))
	meta.text(0x00020010, "UI", explicitLittleEndian)
	meta.text(0x00020012, "UI", "2.25.118270946110327428471294756220151237")
	s.identity(&data, i)
	s.geometry(&data, i)
	data.bytes(0x7FE00010, "OW", s.pixels(i))

	var file writer
	file.b = append(make([]byte, 128), "DICM"...)
	file.long(0x00020000, uint32(len(meta.b)))
	return append(append(file.b, meta.b...), data.b...)
}

func (s *Series) identity(w *writer, i int) {
	date, clock := s.o.Acquired.Format("20060102"), s.o.Acquired.Format("150405")
	w.text(0x00080005, "CS", "ISO_IR 192")
	w.text(0x00080008, "CS", `ORIGINAL\PRIMARY\AXIAL`)
	w.text(0x00080016, "UI", ctImageStorage)
	w.text(0x00080018, "UI", s.InstanceUID(i))
	w.text(0x00080020, "DA", date)
	w.text(0x00080021, "DA", date)
	w.text(0x00080022, "DA", date)
	w.text(0x00080023, "DA", date)
	w.text(0x00080030, "TM", clock)
	w.text(0x00080031, "TM", clock)
	w.text(0x00080032, "TM", clock)
	w.text(0x00080033, "TM", clock)
	w.text(0x00080050, "SH", s.o.Accession)
	w.text(0x00080060, "CS", "CT")
	w.text(0x00080070, "LO", "Tenon")
	w.text(0x00080090, "PN", "")
	w.text(0x00080201, "SH", s.o.Acquired.Format("-0700"))
	w.text(0x00081030, "LO", "CT head, synthetic")
	w.text(0x0008103E, "LO", "Bone, axial")
	w.text(0x00081090, "LO", "Synthetic phantom")
	w.text(0x00100010, "PN", s.o.PatientName)
	w.text(0x00100020, "LO", s.o.PatientID)
	w.text(0x00100030, "DA", s.o.BirthDate)
	w.text(0x00100040, "CS", s.o.Sex)
	s.said(w, 0x00180015, "CS", "HEAD")
	s.said(w, 0x00180050, "DS", decimal(s.o.Thickness))
	w.text(0x00180060, "DS", "120")
	s.said(w, 0x00180088, "DS", decimal(s.o.Thickness))
	w.text(0x00181020, "LO", "1")
	s.said(w, 0x00181210, "SH", "BONE")
	w.text(0x00185100, "CS", "HFS")
}

// said writes what a terse series leaves out.
func (s *Series) said(w *writer, tag uint32, vr, value string) {
	if !s.o.Terse {
		w.text(tag, vr, value)
	}
}

func (s *Series) geometry(w *writer, i int) {
	left := -s.o.Spacing * float64(s.o.Columns-1) / 2
	top := -s.o.Spacing * float64(s.o.Rows-1) / 2
	height := float64(i) * s.o.Thickness
	w.text(0x0020000D, "UI", s.StudyUID)
	w.text(0x0020000E, "UI", s.SeriesUID)
	w.text(0x00200010, "SH", "1")
	w.text(0x00200011, "IS", "1")
	w.text(0x00200012, "IS", "1")
	w.text(0x00200013, "IS", fmt.Sprint(i+1))
	w.text(0x00200032, "DS", strings.Join([]string{decimal(left), decimal(top), decimal(height)}, `\`))
	w.text(0x00200037, "DS", `1\0\0\0\1\0`)
	w.text(0x00200052, "UI", s.FrameUID)
	w.text(0x00201040, "LO", "")
	w.text(0x00201041, "DS", decimal(height))
	w.short(0x00280002, 1)
	w.text(0x00280004, "CS", "MONOCHROME2")
	w.short(0x00280010, uint16(s.o.Rows))
	w.short(0x00280011, uint16(s.o.Columns))
	w.text(0x00280030, "DS", decimal(s.o.Spacing)+`\`+decimal(s.o.Spacing))
	w.short(0x00280100, 16)
	w.short(0x00280101, 16)
	w.short(0x00280102, 15)
	w.short(0x00280103, 1)
	w.text(0x00281050, "DS", "500")
	w.text(0x00281051, "DS", "2000")
	w.text(0x00281052, "DS", "0")
	w.text(0x00281053, "DS", "1")
	w.text(0x00281054, "LO", "HU")
}
