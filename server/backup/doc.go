// Package backup is the sealed stream that a backup is written as: a header and
// frames of at most 1 MiB, each sealed with AES-256-GCM under a random key of the
// backup, which the header holds wrapped by the operator's recovery key. Frames are
// numbered and the last says that it is: none can be changed, swapped, left out or cut
// off unnoticed. It knows nothing of what it carries and performs no I/O of its own.
package backup
