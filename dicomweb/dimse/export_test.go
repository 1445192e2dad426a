package dimse

// What tests of the wire need.
var (
	ParseCommand  = parseCommand
	AppendCommand = appendCommand
	NextPDV       = func(b []byte) (rest []byte, err error) { _, rest, err = nextPDV(b); return rest, err }
	Storage       = storage
	ValidUID      = validUID
)

// ParseAssociate reads an association and writes it again.
func ParseAssociate(body []byte, answer bool) ([]Context, []byte, error) {
	a, err := parseAssociate(body, answer)
	if err != nil {
		return nil, nil, err
	}
	return a.Contexts, appendAssociate(nil, a), nil
}
