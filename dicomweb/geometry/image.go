package geometry

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Image is what the headers of one instance say.
type Image struct {
	Instance, Series string // UIDs
	Modality         string // CT
	BodyPart         string // HEAD; "" where the headers do not say
	Type             []string
	Kernels          []string // filters of the reconstruction
	Algorithms       []string // of reconstruction and derivation
	Rows, Columns    int
	Tilt             float64 // of gantry or detector as the scanner says it, degrees
	Lossy            bool
	BurnedIn         bool
	Rescaled         bool // rescale slope and intercept are there
	Frames           []Frame
}

// Frame is one slice: all of a classic instance, or a frame of an enhanced one.
type Frame struct {
	Position    [3]float64 // of the first pixel, mm
	Orientation [6]float64 // of rows and columns
	Placed      bool       // both are known
	Pixel       [2]float64 // between rows and columns, mm; 0: not said
	Thickness   float64    // mm; 0: not said
}

// dataSet is the DICOM JSON model.
// https://dicom.nema.org/medical/dicom/current/output/html/part18.html#chapter_F
type dataSet map[string]struct {
	Value []json.RawMessage
}

// mostFrames bounds the frames of one instance.
const mostFrames = 100_000

// lossy are the transfer syntaxes that always lose: JPEG baseline and extended,
// and JPEG-LS near-lossless.
// https://dicom.nema.org/medical/dicom/current/output/html/part05.html#chapter_10
var lossy = []string{"1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.81"}

// Header is what a stored instance says of itself.
type Header struct {
	Instance       string   // SOP Instance UID
	TransferSyntax string   // in which it is stored
	Digest         [32]byte // SHA-256 of the Part 10 file
	Metadata       []byte   // its DICOM JSON
}

// Read reads a header. It fails when that is no DICOM JSON, or a number in it is
// none.
func Read(h *Header) (*Image, error) {
	var d dataSet
	if err := json.Unmarshal(h.Metadata, &d); err != nil {
		return nil, fmt.Errorf("geometry: %w", err)
	}
	r := &reader{}
	i := &Image{
		Instance: d.text("00080018"), Series: d.text("0020000E"), Modality: d.text("00080060"), BodyPart: strings.ToUpper(d.text("00180015")),
		Type: d.texts("00080008"), Kernels: d.texts("00181210"), Algorithms: append(d.texts("00189315"), d.texts("00082111")...),
		Rows: int(r.number(d, "00280010")), Columns: int(r.number(d, "00280011")), Tilt: r.number(d, "00181120"),
		Lossy: d.text("00282110") == "01" || slices.Contains(lossy, h.TransferSyntax), BurnedIn: d.text("00280301") == "YES", Rescaled: d.has("00281052") && d.has("00281053"),
	}
	i.Kernels = append(i.Kernels, d.texts("00181160")...)
	r.frames(d, i)
	if r.err != nil {
		return nil, fmt.Errorf("geometry: %s: %w", i.Instance, r.err)
	}
	return i, nil
}

// reader keeps the first fault.
type reader struct{ err error }

// frames reads the one frame of a classic image, or those of an enhanced one:
// what a frame does not say is said for all.
// https://dicom.nema.org/medical/dicom/current/output/html/part03.html#sect_C.7.6.16
func (r *reader) frames(d dataSet, i *Image) {
	whole := r.frame(d, Frame{})
	if shared := d.items("52009229"); len(shared) > 0 {
		whole = r.groups(shared[0], i, whole)
	}
	each := d.items("52009230")
	if len(each) > mostFrames {
		r.err = fmt.Errorf("more than %d frames", mostFrames)
		return
	}
	if len(each) == 0 {
		i.Frames = []Frame{whole}
		return
	}
	for _, group := range each {
		i.Frames = append(i.Frames, r.groups(group, i, whole))
	}
}

// groups reads the functional groups that place and describe a frame.
func (r *reader) groups(group dataSet, i *Image, f Frame) Frame {
	for _, sequence := range []string{"00209113", "00209116", "00289110"} { // plane position, plane orientation, pixel measures
		for _, item := range group.items(sequence) {
			f = r.frame(item, f)
		}
	}
	for _, item := range group.items("00289145") { // pixel value transformation
		i.Rescaled = i.Rescaled || item.has("00281052") && item.has("00281053")
	}
	for _, item := range group.items("00189314") { // CT reconstruction
		i.Kernels = merged(i.Kernels, append(item.texts("00181210"), item.texts("00181160")...))
		i.Algorithms = merged(i.Algorithms, item.texts("00189315"))
	}
	for _, item := range group.items("00189304") { // CT acquisition details
		i.Tilt = max(i.Tilt, math.Abs(r.number(item, "00181120")))
	}
	return f
}

func merged(list, more []string) []string {
	for _, s := range more {
		if !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list
}

// frame takes over what the data set says of a frame.
func (r *reader) frame(d dataSet, f Frame) Frame {
	position, orientation := r.numbers(d, "00200032", 3), r.numbers(d, "00200037", 6)
	if position != nil {
		f.Position = [3]float64(position)
	}
	if orientation != nil {
		f.Orientation = [6]float64(orientation)
	}
	if pixel := r.numbers(d, "00280030", 2); pixel != nil {
		f.Pixel = [2]float64(pixel)
	}
	if d.has("00180050") {
		f.Thickness = r.number(d, "00180050")
	}
	f.Placed = f.Orientation != [6]float64{} && (f.Placed || position != nil)
	return f
}

func (d dataSet) has(tag string) bool { return len(d[tag].Value) > 0 }

func (d dataSet) texts(tag string) (out []string) {
	for _, v := range d[tag].Value {
		var s string
		if json.Unmarshal(v, &s) == nil && strings.TrimSpace(s) != "" {
			out = append(out, strings.TrimSpace(s))
		}
	}
	return out
}

func (d dataSet) text(tag string) string {
	if all := d.texts(tag); len(all) > 0 {
		return all[0]
	}
	return ""
}

func (d dataSet) items(tag string) (out []dataSet) {
	for _, v := range d[tag].Value {
		var item dataSet
		if json.Unmarshal(v, &item) == nil && item != nil {
			out = append(out, item)
		}
	}
	return out
}

// number is the first value, 0 where there is none. DICOM JSON may write a
// decimal string as a string.
func (r *reader) number(d dataSet, tag string) float64 {
	for _, v := range d[tag].Value {
		if string(v) == "null" {
			continue
		}
		f, err := strconv.ParseFloat(strings.TrimSpace(strings.Trim(string(v), `"`)), 64)
		if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
			r.err = fmt.Errorf("(%s,%s) %.40s is no number", tag[:4], tag[4:], v)
			return 0
		}
		return f
	}
	return 0
}

// numbers are exactly so many, or nil.
func (r *reader) numbers(d dataSet, tag string, n int) []float64 {
	values := d[tag].Value
	if len(values) != n {
		return nil
	}
	out := make([]float64, n)
	for i, v := range values {
		out[i] = r.number(dataSet{tag: {Value: []json.RawMessage{v}}}, tag)
	}
	return out
}
