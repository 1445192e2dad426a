package sample_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	oracle "github.com/suyashkumar/dicom"
	oracletag "github.com/suyashkumar/dicom/pkg/tag"

	"tenon/dicomweb/dicom"
	"tenon/dicomweb/sample"
)

func TestSliceReads(t *testing.T) {
	s := sample.New(sample.Options{Seed: 7, PatientID: "P-7", PatientName: "Wang^XiaoDong=王^小东"})
	seen := map[string]bool{}
	for i := range s.Len() {
		f, err := dicom.Read(bytes.NewReader(s.Slice(i)), dicom.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got := f.String(dicom.StudyInstanceUID); got != s.StudyUID {
			t.Errorf("StudyInstanceUID = %s, want %s", got, s.StudyUID)
		}
		if got := f.String(dicom.PatientName); got != "Wang^XiaoDong=王^小东" {
			t.Errorf("PatientName = %s", got)
		}
		uid := f.String(dicom.SOPInstanceUID)
		if seen[uid] || uid != s.InstanceUID(i) || len(uid) > 64 {
			t.Errorf("SOPInstanceUID of slice %d = %s", i, uid)
		}
		seen[uid] = true
		if table, reason := f.FrameTable(); table == nil || table.Count != 1 || table.Bits != 64*64*16 {
			t.Errorf("FrameTable = %v, %s", table, reason)
		}
	}
}

func TestSliceIsDeterministicAndVaries(t *testing.T) {
	one, again, other := sample.New(sample.Options{Seed: 1}), sample.New(sample.Options{Seed: 1}), sample.New(sample.Options{Seed: 2})
	if !bytes.Equal(one.Slice(3), again.Slice(3)) {
		t.Error("the same options give other bytes")
	}
	if one.StudyUID == other.StudyUID || bytes.Equal(one.Slice(3), other.Slice(3)) {
		t.Error("another seed gives the same study")
	}
}

// An independent reader finds the same pixels, bone among them.
func TestSliceInAnotherReader(t *testing.T) {
	b := sample.New(sample.Options{Seed: 1}).Slice(4)
	set, err := oracle.Parse(bytes.NewReader(b), int64(len(b)), nil, oracle.SkipProcessingPixelDataValue())
	if err != nil {
		t.Fatal(err)
	}
	e, err := set.FindElementByTag(oracletag.Rows)
	if err != nil || e.Value.GetValue().([]int)[0] != 64 {
		t.Errorf("Rows = %v, %v; want 64", e, err)
	}
	f, _ := dicom.Read(bytes.NewReader(b), dicom.Options{})
	pixels, hard := b[f.Pixels.Offset:][:f.Pixels.Length], 0
	for ; len(pixels) > 0; pixels = pixels[2:] {
		if int16(binary.LittleEndian.Uint16(pixels)) > 1000 {
			hard++
		}
	}
	if hard < 100 {
		t.Errorf("%d pixels of bone", hard)
	}
}
