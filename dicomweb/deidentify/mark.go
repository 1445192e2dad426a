package deidentify

import (
	"slices"
	"strings"

	"tenon/dicomweb/dicom"
)

// What a file says of its own de-identification (PS3.3 C.7.1.1, C.12.1).
const (
	identityRemoved dicom.Tag = 0x00120062
	method          dicom.Tag = 0x00120063
	methodCodes     dicom.Tag = 0x00120064
	temporal        dicom.Tag = 0x00280303
)

func ours(t dicom.Tag) bool {
	return t == identityRemoved || t == method || t == methodCodes || t == temporal
}

// codes are those of context group 7050.
var codes = []struct {
	option        Option // 0: always
	code, meaning string
}{
	{0, "113100", "Basic Application Confidentiality Profile"},
	{FullDates, "113106", "Retain Longitudinal Temporal Information Full Dates Option"},
	{ModifiedDates, "113107", "Retain Longitudinal Temporal Information Modified Dates Option"},
	{Patient, "113108", "Retain Patient Characteristics Option"},
	{Device, "113109", "Retain Device Identity Option"},
	{UIDs, "113110", "Retain UIDs Option"},
	{Institution, "113112", "Retain Institution Identity Option"},
}

// mark writes, in the order of tags, what is to stand before the element.
func (p *pass) mark(before dicom.Tag) {
	if !p.marked && before > identityRemoved {
		p.marked = true
		p.w.value(identityRemoved, dicom.CS, []byte("YES"))
		p.w.value(method, dicom.LO, []byte("PS3.15 Annex E Basic Profile"))
		p.w.head(methodCodes, dicom.SQ, undefined)
		for _, c := range codes {
			if c.option == 0 || p.o.Retain&c.option != 0 {
				p.w.item(dicom.ItemTag, undefined)
				p.w.value(0x00080100, dicom.SH, []byte(c.code))
				p.w.value(0x00080102, dicom.SH, []byte("DCM"))
				p.w.value(0x00080104, dicom.LO, []byte(c.meaning))
				p.w.item(dicom.ItemDelimiter, 0)
			}
		}
		p.w.item(dicom.SequenceDelimiter, 0)
	}
	if !p.timed && before > temporal {
		p.timed = true
		word := "REMOVED"
		switch {
		case p.o.Retain&FullDates != 0:
			word = "UNMODIFIED"
		case p.o.Retain&ModifiedDates != 0:
			word = "MODIFIED"
		}
		p.w.value(temporal, dicom.CS, []byte(word))
	}
}

// Modalities whose pictures often carry text, and those that show a face; the
// parts of the body that do.
var (
	texted = []string{"US", "XC", "ES", "OT", "SC", "GM", "OP", "DOC", "CR", "DX", "XA", "RF"}
	solid  = []string{"CT", "MR", "PT", "NM"}
	faces  = []string{"HEAD", "SKULL", "BRAIN", "FACE", "JAW", "MANDIBLE", "MAXILLA", "NECK", "SINUS", "ORBIT", "EYE", "EAR", "NOSE", "WHOLEBODY", ""}
)

// risks are what the profile does not take away.
func risks(f *dicom.File) []string {
	var list []string
	modality, part := f.String(0x00080060), strings.ReplaceAll(strings.ToUpper(f.String(0x00180015)), " ", "")
	burned := f.String(0x00280301)
	if burned == "YES" || burned != "NO" && (slices.Contains(texted, modality) || strings.HasPrefix(f.String(dicom.SOPClassUID), "1.2.840.10008.5.1.4.1.1.7")) {
		list = append(list, "burned-in-text: the picture may hold text that names the patient")
	}
	if slices.Contains(solid, modality) && slices.ContainsFunc(faces, func(w string) bool { return part == w || w != "" && strings.Contains(part, w) }) {
		list = append(list, "face: a face can be made of the pictures")
	}
	if modality == "XC" || modality == "OP" {
		list = append(list, "photograph: the picture may show the patient")
	}
	if e, _ := f.Find(-1, 0x00420011); e != nil {
		list = append(list, "document: the encapsulated document was replaced")
	}
	return list
}
