/**
 * Entries of one file. The largest public checkpoints in one file have some thousands of storages
 * (a model of 1,000 parameter tensors with Adam: 3,000).
 */
export const MAX_ENTRIES = 200_000
/** Bytes of a central directory: 200,000 entries of torch's 46 bytes, a name of 60 and a zip64 field. */
export const MAX_DIRECTORY_BYTES = 32 * 1024 * 1024
/** Bytes of one name. torch's names are a file's stem and a number; file systems stop at 255. */
export const MAX_NAME_BYTES = 4096
/**
 * The first read of the tail: an end record (22 bytes) with the longest comment (65,535), and the zip64 locator
 * (20) and end record (56) before it. It also holds the directories of files with about 900 entries.
 */
export const TAIL_BYTES = 22 + 65_535 + 20 + 56
