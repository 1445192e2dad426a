package pixel

// Transfer syntaxes whose pixels can be read here.
// https://dicom.nema.org/medical/dicom/current/output/html/part06.html#chapter_A
const (
	ImplicitLittleEndian = "1.2.840.10008.1.2"
	ExplicitLittleEndian = "1.2.840.10008.1.2.1"
	DeflatedExplicit     = "1.2.840.10008.1.2.1.99"
	ExplicitBigEndian    = "1.2.840.10008.1.2.2"
	EncapsulatedNative   = "1.2.840.10008.1.2.1.98"
	RLELossless          = "1.2.840.10008.1.2.5"
	JPEGBaseline         = "1.2.840.10008.1.2.4.50"
	JPEGExtended         = "1.2.840.10008.1.2.4.51"
	JPEGSpectral         = "1.2.840.10008.1.2.4.53" // retired
	JPEGProgressive      = "1.2.840.10008.1.2.4.55" // retired
	JPEGLossless         = "1.2.840.10008.1.2.4.57"
	JPEGLosslessSV1      = "1.2.840.10008.1.2.4.70"
	JPEGLSLossless       = "1.2.840.10008.1.2.4.80"
	JPEGLSNearLossless   = "1.2.840.10008.1.2.4.81"
	JPEG2000Lossless     = "1.2.840.10008.1.2.4.90"
	JPEG2000             = "1.2.840.10008.1.2.4.91"
	HTJ2KLossless        = "1.2.840.10008.1.2.4.201"
	HTJ2KLosslessRPCL    = "1.2.840.10008.1.2.4.202"
	HTJ2K                = "1.2.840.10008.1.2.4.203"
)

// decoder decodes one frame of a checked format.
type decoder func(f Format, stream []byte) (*Frame, error)

var decoders = map[string]decoder{
	ImplicitLittleEndian: native,
	ExplicitLittleEndian: native,
	DeflatedExplicit:     native,
	ExplicitBigEndian:    bigEndian,
	EncapsulatedNative:   native,
	RLELossless:          runLength,
	JPEGBaseline:         transformed,
	JPEGExtended:         transformed,
	JPEGSpectral:         transformed,
	JPEGProgressive:      transformed,
	JPEGLossless:         predicted,
	JPEGLosslessSV1:      predicted,
	JPEGLSLossless:       loco,
	JPEGLSNearLossless:   loco,
	JPEG2000Lossless:     wavelet,
	JPEG2000:             wavelet,
	HTJ2KLossless:        wavelet,
	HTJ2KLosslessRPCL:    wavelet,
	HTJ2K:                wavelet,
}

// CanDecode tells whether frames in a transfer syntax can be decoded.
func CanDecode(syntax string) bool { return decoders[syntax] != nil }

// Lossy tells whether a transfer syntax may have lost something of the picture.
func Lossy(syntax string) bool {
	switch syntax {
	case JPEGBaseline, JPEGExtended, JPEGSpectral, JPEGProgressive, JPEGLSNearLossless, JPEG2000, HTJ2K:
		return true
	}
	return false
}

// Decode decodes one frame: its bytes without item headers, fragments joined.
// Frames of fewer than eight bits a pixel begin at a byte. The frame's format
// tells what the decoder changed: JPEG colour comes out as RGB. Uncompressed
// samples are not copied: the frame is good as long as the stream is.
func Decode(syntax string, f Format, stream []byte) (*Frame, error) {
	if err := f.Check(); err != nil {
		return nil, err
	}
	d := decoders[syntax]
	if d == nil {
		return nil, unsupported("pixel data in transfer syntax %.64s", syntax)
	}
	if err := worth(f.size(), len(stream)); err != nil {
		return nil, err
	}
	return d(f, stream)
}
