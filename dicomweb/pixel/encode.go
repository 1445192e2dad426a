package pixel

// encoders of one frame, all without loss.
var encoders = map[string]func(*Frame) ([]byte, error){
	RLELossless:      EncodeRLE,
	JPEGLosslessSV1:  EncodeJPEGLossless,
	JPEGLSLossless:   EncodeJPEGLS,
	JPEG2000Lossless: EncodeJPEG2000,
}

// CanEncode tells whether frames can be encoded in a transfer syntax.
func CanEncode(syntax string) bool { return encoders[syntax] != nil }

// Encode encodes one frame without loss as a stream of even length. Which
// photometric interpretations a transfer syntax allows is for the caller to
// judge.
func Encode(syntax string, f *Frame) ([]byte, error) {
	e := encoders[syntax]
	if e == nil {
		return nil, unsupported("writing transfer syntax %.64s", syntax)
	}
	return e(f)
}
