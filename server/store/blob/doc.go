// Package blob keeps large content on local disks: pixel data, meshes, PDFs.
// It is the local driver of record.Blobs: content-addressed by SHA-256 inside a
// tenant, encrypted, streamed, and durable when Sync returns.
//
// A folder holds one tenant:
//
//	tenant.key               keys by number, 32 random bytes in hex each, mode 0600
//	00000001-9f3a2b1c.seg    segment: objects one after the other, append only
//	00000001-9f3a2b1c.idx    where the objects of the segment are (a cache)
//
// An object is a header of 128 bytes and frames of 1 MiB, each sealed with
// AES-256-GCM under a random key of the object; the header holds that key
// wrapped by the tenant's key. The additional data of a frame binds tenant,
// object and frame number, so frames cannot be swapped, and a range is read by
// opening only the frames that it touches.
//
// States of an object:
//
//	staged ── Sync ──▶ durable ── Sweep, not needed ──▶ dead (key destroyed)
//	   └─ power loss ─▶ cut at the next Open, unless it is whole
//
// Several processes may share a folder: each appends only to segments that it
// holds a lock on, and finds the others' objects when it misses one. Sweep runs
// in one process at a time (the caller's lease).
//
// It never holds a whole content in memory, never changes a stored frame, and
// never answers a read from a frame that fails authentication.
package blob
