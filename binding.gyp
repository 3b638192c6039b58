# A shim for the tools that look for this file (node-gyp-build, prebuildify). The build itself is CMakeLists.txt.
{
  "targets": [
    {
      "target_name": "skipscan",
      "type": "none",
      "actions": [
        {
          "action_name": "cmake",
          "inputs": ["CMakeLists.txt"],
          "outputs": ["build/Release/skipscan.node"],
          "action": ["node", "scripts/build-native.js"]
        }
      ]
    }
  ]
}
