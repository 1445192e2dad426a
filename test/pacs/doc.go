// Package pacs runs the real server against real DICOM software: dcmtk's
// echoscu, storescu, findscu, movescu, getscu and storescp over DIMSE, on both
// engines. It holds tests only, and judges by the standard and by what dcmtk
// reads.
package pacs
