package deidentify

import (
	"cmp"
	"slices"
	"strings"

	"tenon/dicomweb/dicom"
)

// Option is an option of the profile (PS3.15 §E.3).
type Option uint8

// The options that are offered. FullDates and ModifiedDates exclude each other.
const (
	FullDates     Option = 1 << iota // Retain Longitudinal Temporal Information With Full Dates
	ModifiedDates                    // … With Modified Dates: shifted by days that the key gives for the patient
	UIDs                             // Retain UIDs
	Device                           // Retain Device Identity
	Patient                          // Retain Patient Characteristics
	Institution                      // Retain Institution Identity
)

// Names are the options as they are asked for.
var Names = map[string]Option{"full-dates": FullDates, "modified-dates": ModifiedDates, "uids": UIDs, "device": Device, "patient": Patient, "institution": Institution}

// row is one attribute of the table.
type row struct {
	tag     dicom.Tag
	basic   string
	options Option
}

// action is what is done to an element.
type action uint8

const (
	keep action = iota
	remove
	empty
	dummy
	newUID
	shift
)

// actionOf is the action for an element under the options. Where the table
// leaves a choice by the type of the attribute in its IOD, the one is taken that
// is right for every type: emptied, not removed; replaced, not emptied.
func actionOf(t dicom.Tag, o Option) action {
	if t.Private() || t>>24 == 0x50 { // private elements, curves
		return remove
	}
	if t>>24 == 0x60 && (t.Element() == 0x3000 || t.Element() == 0x4000) { // overlays
		return remove
	}
	if _, known := dicom.Lookup(t); !known {
		return remove
	}
	i, ok := slices.BinarySearchFunc(table[:], t, func(r row, t dicom.Tag) int { return cmp.Compare(r.tag, t) })
	if !ok {
		return keep
	}
	r := &table[i]
	switch {
	case r.options&o&^ModifiedDates != 0:
		return keep
	case r.options&o&ModifiedDates != 0:
		return shift
	case strings.Contains(r.basic, "U"):
		return newUID
	case strings.Contains(r.basic, "D"):
		return dummy
	case strings.Contains(r.basic, "Z"):
		return empty
	}
	return remove
}
