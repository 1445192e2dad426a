// Package mesh reads model files of devices and anatomy, and judges them:
// is the surface closed, does it bound a body, how large is it.
//
// A file becomes a Mesh of indexed vertices; Check measures it and lists what
// is wrong as issues in English and Chinese. The byte-exact file stays the
// signed object: nothing here repairs, moves or rounds a coordinate.
//
// The room has no I/O but readers and writers that the caller hands in, knows
// no file names, and allocates only for bytes that have arrived, never for a
// count that a header declares.
package mesh
