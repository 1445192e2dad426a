// Package jpeg2000 decodes JPEG 2000 codestreams: Part 1 and, of Part 15 (High
// Throughput), codestreams of HT blocks alone.
//
//	markers → tiles → packets → blocks (bit planes) → wavelet → colour → rows
//
// It decodes tile by tile and hands out rows, so that besides the caller's
// picture no more than one tile is held. Streams are hostile: the size of the
// picture is told by Open before anything of that size is allocated, precincts,
// blocks and pieces of one tile are counted before they are made, and every
// coded pass is paid from a budget of work that the picture and the length of
// the stream set. A stream that ends before its last packet is refused: what it
// would show is not the picture.
//
// These limits stand in for a sandbox: memory-safe code whose memory and work
// are bounded by what the stream may ask for needs no second machine to run in.
//
// Not decoded: subsampled components, sums of more than 30 bit planes, blocks of
// both kinds mixed in one codestream.
//
// https://www.itu.int/rec/T-REC-T.800 (ISO/IEC 15444-1)
// https://www.itu.int/rec/T-REC-T.814 (ISO/IEC 15444-15)
package jpeg2000
