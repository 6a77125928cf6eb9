/**
 * What the native runtime is made of, pinned to the byte: the npm packages (packages-lock.json beside this file)
 * and, per platform, the Python wheels that carry TensorFlow's shared libraries.
 */

export const tfjsVersion = "4.22.0";
export const tensorflowVersion = "2.21.0";

/** Raise it when the layout or the build steps change, so that an older cache entry is not taken for a new one. */
const recipeRevision = 1;

/** One wheel, as pip must deliver it. `sha256` is handed to pip's --require-hashes. */
export interface PinnedWheel {
  readonly requirement: string;
  readonly sha256: string;
  readonly wheelBytes: number;
}

export type VariantName = "cpu-linux-x64" | "cuda12-linux-x64" | "cpu-linux-arm64" | "cpu-darwin-arm64";

/** Everything that differs between platforms; the installer itself has no other platform branch but the linker's flags. */
export interface Variant {
  readonly name: VariantName;
  /** pip's --platform values that the wheels carry, most specific first. */
  readonly pipPlatforms: readonly string[];
  readonly wheels: readonly PinnedWheel[];
  readonly libraries: readonly string[];
  /** Disk space after setup, npm packages included; measured where `tried` is true, else estimated from the wheels. */
  readonly installedBytes: number;
  /** True when it has computed on the hardware it is meant for. */
  readonly tried: boolean;
}

const linuxLibraries = ["libtensorflow_cc.so.2", "libtensorflow_framework.so.2"];

/** CUDA 12.5 and cuDNN 9.3: the versions which TensorFlow 2.21 names as its lower bounds, i.e. those it was built with. */
const cudaWheels: readonly PinnedWheel[] = [
  {
    requirement: "nvidia-cublas-cu12==12.5.3.2",
    sha256: "ca070ad70e9fa6654084575d01bd001f30cc4665e33d4bb9fc8e0f321caa034b",
    wheelBytes: 363_313_169,
  },
  {
    requirement: "nvidia-cuda-cupti-cu12==12.5.82",
    sha256: "bde77a5feb66752ec61db2adfe47f56b941842825b4c7e2068aff27c9d107953",
    wheelBytes: 13_811_507,
  },
  {
    requirement: "nvidia-cuda-nvcc-cu12==12.5.82",
    sha256: "b03e545b8e8c3ce7ebcd7fc44063180ff52ff01d064ece2127ed90a04ef12cd0",
    wheelBytes: 22_468_537,
  },
  {
    requirement: "nvidia-cuda-nvrtc-cu12==12.5.82",
    sha256: "3dbd97b0104b4bfbc3c4f8c79cd2496307c89c43c29a9f83125f1d76296ff3fd",
    wheelBytes: 24_873_108,
  },
  {
    requirement: "nvidia-cuda-runtime-cu12==12.5.82",
    sha256: "3e79a060e126df40fd3a068f3f787eb000fa51b251ec6cd97d09579632687115",
    wheelBytes: 895_707,
  },
  {
    requirement: "nvidia-cudnn-cu12==9.3.0.75",
    sha256: "9ad9c6929ebb5295eb4a1728024666d1c88283373e265a0c5c883e6f9d5cd76d",
    wheelBytes: 577_163_502,
  },
  {
    requirement: "nvidia-cufft-cu12==11.2.3.61",
    sha256: "9a6e8df162585750f61983a638104a48c756aa13f9f48e19ab079b38e3c828b8",
    wheelBytes: 192_524_114,
  },
  {
    requirement: "nvidia-curand-cu12==10.3.6.82",
    sha256: "2823fb27de4e44dbb22394a6adf53aa6e1b013aca0f8c22867d1cfae58405536",
    wheelBytes: 56_309_107,
  },
  {
    requirement: "nvidia-cusolver-cu12==11.6.3.83",
    sha256: "93cfafacde4428b71778eeb092ec615a02a3d05404da1bcf91c53e3fa1bce42b",
    wheelBytes: 130_341_232,
  },
  {
    requirement: "nvidia-cusparse-cu12==12.5.1.3",
    sha256: "016df8e993c437e8301e62739f01775cba988fd5253cd4c64173f8e8d2f8e752",
    wheelBytes: 217_558_979,
  },
  {
    requirement: "nvidia-nccl-cu12==2.27.7",
    sha256: "de5ba5562f08029a19cb1cd659404b18411ed0d6c90ac5f52f30bf99ad5809aa",
    wheelBytes: 322_546_339,
  },
  {
    requirement: "nvidia-nvjitlink-cu12==12.5.82",
    sha256: "f9b37bc5c8cf7509665cb6ada5aaa0ce65618f2332b7d3e78e9790511f111212",
    wheelBytes: 21_298_879,
  },
];

/** CUDA's libraries whose version can show in a result, e.g. `cudnn: "9.3.0.75"`. */
export const cudaVersions = {
  cuda: versionOf("nvidia-cuda-runtime-cu12"),
  cublas: versionOf("nvidia-cublas-cu12"),
  cudnn: versionOf("nvidia-cudnn-cu12"),
} as const;

function versionOf(name: string): string {
  const wheel = cudaWheels.find(({ requirement }) => requirement.startsWith(`${name}==`));
  return wheel?.requirement.slice(name.length + 2) ?? "unknown";
}

const x64Platforms = ["manylinux_2_27_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64"];

export const variants: Readonly<Record<VariantName, Variant>> = {
  "cpu-linux-x64": {
    name: "cpu-linux-x64",
    pipPlatforms: x64Platforms,
    wheels: [
      {
        requirement: "tensorflow-cpu==2.21.0",
        sha256: "dcc8afd32930e42d5296b6ee19078b773706830af4ea97fbe503b9f5e0f820cb",
        wheelBytes: 274_000_871,
      },
    ],
    libraries: linuxLibraries,
    installedBytes: 1_143_000_000,
    tried: true,
  },
  "cuda12-linux-x64": {
    name: "cuda12-linux-x64",
    pipPlatforms: x64Platforms,
    wheels: [
      {
        requirement: "tensorflow==2.21.0",
        sha256: "b3b95643c4e70eb925839938fb35cbe142f317ec84af6844ee61513713bb13c0",
        wheelBytes: 572_611_111,
      },
      ...cudaWheels,
    ],
    libraries: linuxLibraries,
    installedBytes: 4_500_000_000,
    tried: true,
  },
  "cpu-linux-arm64": {
    name: "cpu-linux-arm64",
    pipPlatforms: ["manylinux_2_27_aarch64"],
    wheels: [
      {
        requirement: "tensorflow==2.21.0",
        sha256: "b07d15737406533898e36c7ef7944b1be18e9028dc521b9229952c537bbc5552",
        wheelBytes: 281_946_471,
      },
    ],
    libraries: linuxLibraries,
    installedBytes: 1_300_000_000,
    tried: false,
  },
  "cpu-darwin-arm64": {
    name: "cpu-darwin-arm64",
    pipPlatforms: ["macosx_12_0_arm64"],
    wheels: [
      {
        requirement: "tensorflow==2.21.0",
        sha256: "56ecd7d47429acbe1df2694d50b75bf9fc3995ac92cb367cd9af6c4780ead712",
        wheelBytes: 223_488_205,
      },
    ],
    libraries: ["libtensorflow_cc.2.dylib", "libtensorflow_framework.2.dylib"],
    installedBytes: 1_000_000_000,
    tried: false,
  },
};

/** The folder name under `cacheDirectory()/native/`: it changes whenever anything that is installed changes. */
export function runtimeKey(variant: VariantName): string {
  return `tfjs-${tfjsVersion}-tensorflow-${tensorflowVersion}-${variant}-r${recipeRevision}`;
}

/** Bytes that setup downloads for a variant, as a user should see them announced: wheels plus about 50 MB of npm packages. */
export function downloadBytes(variant: Variant): number {
  return variant.wheels.reduce((sum, wheel) => sum + wheel.wheelBytes, 50_000_000);
}
