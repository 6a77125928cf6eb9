/**
 * A third source file for the CUDA variant of the binding. TensorFlow opens CUDA's libraries by bare name, and wheels
 * put them where the dynamic linker does not look. Opening them by path first, relative to the binding itself, makes
 * the later look-ups by name succeed, whatever LD_LIBRARY_PATH says, and the folder stays movable.
 */
export const cudaPreloadSource = `#include <dlfcn.h>
#include <cstdlib>
#include <cstring>
#include <string>

namespace {

const char *const libraries[] = {
    "cuda_runtime/lib/libcudart.so.12",  "nvjitlink/lib/libnvJitLink.so.12", "cublas/lib/libcublasLt.so.12",
    "cublas/lib/libcublas.so.12",        "cufft/lib/libcufft.so.11",         "curand/lib/libcurand.so.10",
    "cusparse/lib/libcusparse.so.12",    "cusolver/lib/libcusolver.so.11",   "cuda_nvrtc/lib/libnvrtc.so.12",
    "cuda_cupti/lib/libcupti.so.12",     "cudnn/lib/libcudnn.so.9",          "nccl/lib/libnccl.so.2",
};

__attribute__((constructor)) void open_cuda_libraries() {
  const char *visible = std::getenv("CUDA_VISIBLE_DEVICES");
  if (visible != nullptr && (visible[0] == '\\0' || std::strcmp(visible, "-1") == 0)) return;
  Dl_info here;
  if (dladdr(reinterpret_cast<void *>(&open_cuda_libraries), &here) == 0 || here.dli_fname == nullptr) return;
  std::string root(here.dli_fname);
  root.erase(root.rfind('/') + 1);
  root += "../../../../../site/nvidia/";
  for (const char *library : libraries) dlopen((root + library).c_str(), RTLD_LAZY | RTLD_GLOBAL);
}

}  // namespace
`;

/** From the folder of the compiled binding to the folder of TensorFlow's libraries. */
export const bindingToLibraries = "../../../../../site/tensorflow";

/** Run by the last stage in a process of its own: loads the binding, multiplies two matrices, says what it found. */
export const checkScript = `
const util = require("util");
util.isNullOrUndefined = (value) => value === null || value === undefined;
util.isArray = Array.isArray;
const tf = require("@tensorflow/tfjs-node-gpu");
const product = tf.matMul(tf.tensor2d([[1, 2], [3, 4]]), tf.tensor2d([[5, 6], [7, 8]])).arraySync();
if (JSON.stringify(product) !== "[[19,22],[43,50]]") throw new Error("wrong product: " + JSON.stringify(product));
if (tf.getBackend() !== "tensorflow") throw new Error("backend is " + tf.getBackend());
console.log(JSON.stringify({ tensorflow: tf.backend().binding.TF_Version, gpu: tf.backend().isUsingGpuDevice }));
`;
