test('importing the package does not load sharp; using it says why it cannot', async () => {
  await jest.isolateModulesAsync(async () => {
    jest.doMock('sharp', () => {
      throw new Error(
        '\nCould not load the "sharp" module using the linux-x64 runtime\nPossible solutions:\n- ...',
      );
    });
    require('../../../lib');
    const { decodeImage } =
      require('../../../lib/vision/decode') as typeof import('../../../lib/vision/decode');
    await expect(decodeImage(new Uint8Array(5))).rejects.toMatchObject({
      name: 'SkipscanError',
      code: 'ERR_UNSUPPORTED',
      message:
        'Image files need the package sharp, which could not be loaded: Could not load the "sharp" module using the ' +
        'linux-x64 runtime. To install it, run: npm install sharp',
    });
  });
});
