package index_test

import (
	"testing"

	"tenon/dicomweb/dicom"
	"tenon/dicomweb/index"
)

func TestFits(t *testing.T) {
	for _, c := range []struct {
		vr         dicom.VR
		want, have string
		fuzzy, ok  bool
	}{
		{dicom.DA, "20260301", "20260301", false, true}, {dicom.DA, "20260301", "20260302", false, false},
		{dicom.DA, "20260301-20260302", "20260302", false, true}, {dicom.DA, "-20260301", "20260301", false, true},
		{dicom.DA, "20260302-", "20260301", false, false}, {dicom.DA, "-20260301", "", false, false},
		{dicom.TM, "08-0930", "093015", false, true}, {dicom.TM, "08-0930", "093115", false, false},
		{dicom.DT, "20260301-20260301", "20260301235959", false, true},
		{dicom.UI, "1.2,1.3", "1.3", false, true}, {dicom.UI, `1.2\1.3`, "1.4", false, false}, {dicom.UI, "1.*", "1.2", false, false},
		{dicom.PN, "wang*", "WANG^Li", false, true}, {dicom.PN, "li", "WANG^Li", true, true}, {dicom.PN, "li", "WANG^Li", false, false},
		{dicom.CS, "CT", "CT", false, true}, {dicom.CS, "C?", "CT", false, true}, {dicom.CS, "C?", "C", false, false},
		{dicom.LO, "a*b*c", "aXbYbZc", false, true}, {dicom.LO, "a*b*c", "aXbYbZ", false, false}, {dicom.LO, "*", "", false, true}, {dicom.PN, "王?小*", "王^小东", false, true},
	} {
		if got := index.Fits(c.vr, c.want, c.have, c.fuzzy); got != c.ok {
			t.Errorf("Fits(%v, %q, %q, %v) = %v, want %v", c.vr, c.want, c.have, c.fuzzy, got, c.ok)
		}
	}
}
