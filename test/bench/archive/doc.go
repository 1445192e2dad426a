// Command archive measures the DICOMweb door beside Orthanc, in one run, on the
// same files: STOW, QIDO, metadata, frames, instances, rendered pictures. Both
// run as processes of their own on loopback, one after the other within each
// round, and answer the same requests.
//
//	go run ./test/bench/archive -orthanc /path/to/a/debian/root -out results.md
//
// Orthanc comes from Debian (packages orthanc and orthanc-dicomweb), installed
// on this machine or in the folder that -orthanc names; it writes synchronously
// (SyncStorageArea). Ours audits every request and encrypts every file, as it
// always does. Beside them stands a handler that does nothing but decrypt the
// same segments. Nothing here judges; it only measures.
package main
