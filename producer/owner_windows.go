package producer

import "io/fs"

// isAnothers: what may be read is inherited from the directory, and no mode tells.
func isAnothers(fs.FileInfo) bool { return false }
