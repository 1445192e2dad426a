package jpeg2000

// highThroughput decodes blocks of Part 15.
type highThroughput struct{}

func (h *highThroughput) decode(*decoder, *coding, *block, int) ([]uint32, error) {
	return nil, unsupported("HT")
}
