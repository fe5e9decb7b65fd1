/** What a tensor's elements are, by each of the three ways in which files name them. */

/** Bytes of one element by torch's name of the dtype; packed dtypes take a part of a byte. */
const ELEMENT_BYTES: Readonly<Record<string, number>> = {
  complex128: 16,
  complex64: 8,
  complex32: 4,
  float64: 8,
  float32: 4,
  float16: 2,
  bfloat16: 2,
  float8_e4m3fn: 1,
  float8_e4m3fnuz: 1,
  float8_e5m2: 1,
  float8_e5m2fnuz: 1,
  float8_e8m0fnu: 1,
  float4_e2m1fn_x2: 1,
  int64: 8,
  uint64: 8,
  int32: 4,
  uint32: 4,
  int16: 2,
  uint16: 2,
  int8: 1,
  uint8: 1,
  bool: 1,
  bits16: 2,
  bits8: 1,
  bits4x2: 1,
  bits2x4: 1,
  bits1x8: 1,
  qint32: 4,
  qint8: 1,
  quint8: 1,
  quint4x2: 1 / 2,
  quint2x4: 1 / 4,
  // Of these torch stores one in a byte.
  ...Object.fromEntries(
    [1, 2, 3, 4, 5, 6, 7].flatMap((n) => [
      [`int${n}`, 1],
      [`uint${n}`, 1],
    ]),
  ),
}

/** The dtype of a tensor by the class of its storage (`torch/storage.py`, `_dtype_to_storage_type_map`). */
const DTYPE_OF_STORAGE: Readonly<Record<string, string>> = {
  BFloat16Storage: 'bfloat16',
  BoolStorage: 'bool',
  ByteStorage: 'uint8',
  CharStorage: 'int8',
  ComplexDoubleStorage: 'complex128',
  ComplexFloatStorage: 'complex64',
  DoubleStorage: 'float64',
  FloatStorage: 'float32',
  HalfStorage: 'float16',
  IntStorage: 'int32',
  LongStorage: 'int64',
  QInt32Storage: 'qint32',
  QInt8Storage: 'qint8',
  QUInt2x4Storage: 'quint2x4',
  QUInt4x2Storage: 'quint4x2',
  QUInt8Storage: 'quint8',
  ShortStorage: 'int16',
  UntypedStorage: 'uint8',
}

/** safetensors' names (its `Dtype`); what is not here has none. */
const SAFETENSORS: Readonly<Record<string, string>> = {
  float64: 'F64',
  float32: 'F32',
  float16: 'F16',
  bfloat16: 'BF16',
  float8_e4m3fn: 'F8_E4M3',
  float8_e5m2: 'F8_E5M2',
  int64: 'I64',
  int32: 'I32',
  int16: 'I16',
  int8: 'I8',
  uint64: 'U64',
  uint32: 'U32',
  uint16: 'U16',
  uint8: 'U8',
  bool: 'BOOL',
}

/** The dtype of tensors in a storage of this class. */
export function dtypeOfStorage(className: string): string | undefined {
  return Object.hasOwn(DTYPE_OF_STORAGE, className) ? DTYPE_OF_STORAGE[className] : undefined
}

/** Bytes of one element, less than 1 where several share a byte; undefined for an unknown dtype. */
export function elementBytesOf(dtype: string): number | undefined {
  return Object.hasOwn(ELEMENT_BYTES, dtype) ? ELEMENT_BYTES[dtype] : undefined
}

/** safetensors' name of a dtype of torch; undefined where it has none. */
export function safetensorsDtype(dtype: string): string | undefined {
  return Object.hasOwn(SAFETENSORS, dtype) ? SAFETENSORS[dtype] : undefined
}

/** torch's name of a dtype of safetensors; undefined for one that torch does not read here. */
export function torchDtype(name: string): string | undefined {
  return Object.entries(SAFETENSORS).find(([, theirs]) => theirs === name)?.[0]
}
