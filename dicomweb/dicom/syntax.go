package dicom

import "strings"

// Syntax is how a data set is coded.
// https://dicom.nema.org/medical/dicom/current/output/html/part05.html#chapter_10
type Syntax struct {
	UID          string
	Implicit     bool
	BigEndian    bool
	Deflated     bool
	Encapsulated bool // pixel data are fragments of a compressed stream
}

// Transfer syntaxes that doors name.
const (
	ImplicitLittleEndian = "1.2.840.10008.1.2"
	ExplicitLittleEndian = "1.2.840.10008.1.2.1"
	DeflatedExplicit     = "1.2.840.10008.1.2.1.99"
	ExplicitBigEndian    = "1.2.840.10008.1.2.2"
	RLELossless          = "1.2.840.10008.1.2.5"
	JPEGBaseline         = "1.2.840.10008.1.2.4.50"
)

// SyntaxOf describes a transfer syntax. Every standard one but those with their
// own coding is explicit little endian with encapsulated pixels; of a private
// one nothing is known, and it is not ok.
func SyntaxOf(uid string) (Syntax, bool) {
	s := Syntax{UID: uid}
	switch uid {
	case ImplicitLittleEndian:
		s.Implicit = true
	case ExplicitLittleEndian:
	case DeflatedExplicit:
		s.Deflated = true
	case ExplicitBigEndian:
		s.BigEndian = true
	case "1.2.840.10008.1.2.1.98": // Encapsulated Uncompressed Explicit VR Little Endian
		s.Encapsulated = true
	case "1.2.840.10008.1.2.4.95", "1.2.840.10008.1.2.4.205": // JPIP referenced, deflated
		s.Deflated = true
	case "1.2.840.10008.1.2.4.94", "1.2.840.10008.1.2.4.204": // JPIP referenced: no pixel data
	default:
		s.Encapsulated = true
		return s, standardSyntax(uid)
	}
	return s, true
}

// standardSyntax tells whether the UID lies under the arcs of compressed
// transfer syntaxes: JPEG family and JPIP (4), RLE (5), MIME (6), SMPTE 2110
// (7), deflated frame (8).
func standardSyntax(uid string) bool {
	rest, ok := strings.CutPrefix(uid, "1.2.840.10008.1.2.")
	return ok && rest != "" && rest[0] >= '4' && rest[0] <= '8'
}

// mediaTypes are the media types of the compressed streams (PS3.18 table
// 8.7.3-5); what is missing is application/octet-stream.
var mediaTypes = map[string]string{
	"1.2.840.10008.1.2.4.50": "image/jpeg", "1.2.840.10008.1.2.4.51": "image/jpeg",
	"1.2.840.10008.1.2.4.53": "image/jpeg", "1.2.840.10008.1.2.4.55": "image/jpeg",
	"1.2.840.10008.1.2.4.57": "image/jpeg", "1.2.840.10008.1.2.4.70": "image/jpeg",
	"1.2.840.10008.1.2.4.80": "image/jls", "1.2.840.10008.1.2.4.81": "image/jls",
	"1.2.840.10008.1.2.4.90": "image/jp2", "1.2.840.10008.1.2.4.91": "image/jp2",
	"1.2.840.10008.1.2.4.92": "image/jpx", "1.2.840.10008.1.2.4.93": "image/jpx",
	"1.2.840.10008.1.2.4.100": "video/mpeg", "1.2.840.10008.1.2.4.101": "video/mpeg",
	"1.2.840.10008.1.2.4.102": "video/mp4", "1.2.840.10008.1.2.4.103": "video/mp4",
	"1.2.840.10008.1.2.4.104": "video/mp4", "1.2.840.10008.1.2.4.105": "video/mp4",
	"1.2.840.10008.1.2.4.106": "video/mp4", "1.2.840.10008.1.2.4.107": "video/H265",
	"1.2.840.10008.1.2.4.108": "video/H265",
	"1.2.840.10008.1.2.4.110": "image/jxl", "1.2.840.10008.1.2.4.111": "image/jxl",
	"1.2.840.10008.1.2.4.112": "image/jxl",
	"1.2.840.10008.1.2.4.201": "image/jphc", "1.2.840.10008.1.2.4.202": "image/jphc",
	"1.2.840.10008.1.2.4.203": "image/jphc",
	"1.2.840.10008.1.2.5":     "image/dicom-rle",
}

// MediaType is the media type of one frame as it is stored.
func (s Syntax) MediaType() string {
	if t, ok := mediaTypes[s.UID]; ok && s.Encapsulated {
		return t
	}
	return "application/octet-stream"
}

// defaultSyntaxes are those of a media type whose transfer syntax is not told
// (PS3.18 table 8.7.3-2).
var defaultSyntaxes = map[string]string{
	"image/jpeg": "1.2.840.10008.1.2.4.70", "image/jls": "1.2.840.10008.1.2.4.80", "image/jp2": "1.2.840.10008.1.2.4.90",
	"image/jpx": "1.2.840.10008.1.2.4.92", "image/jphc": "1.2.840.10008.1.2.4.201", "image/jxl": "1.2.840.10008.1.2.4.110",
	"image/dicom-rle": RLELossless, "video/mpeg": "1.2.840.10008.1.2.4.100", "video/mp4": "1.2.840.10008.1.2.4.102",
	"video/H265": "1.2.840.10008.1.2.4.107",
}

// SyntaxOfMedia is the transfer syntax of compressed pixel data of a media type;
// uid is the one that the sender tells, or "". What is no media type of compressed
// pixels, or not of that transfer syntax, is not ok.
func SyntaxOfMedia(name, uid string) (string, bool) {
	for typ, usual := range defaultSyntaxes {
		if uid == "" && strings.EqualFold(typ, name) {
			uid = usual
		}
	}
	return uid, uid != "" && strings.EqualFold(mediaTypes[uid], name)
}
