// SPDX-License-Identifier: MIT
// Copyright (c) The Rackwright authors
/*
 * CRC-32 of passing frames (IEEE 802.3), one beat a clock.
 *
 * The frame passes unchanged; every beat carries the CRC of the frame up to its end, the last one
 * that of the whole. `good` says that the bytes so far end with their own CRC, lowest byte first, as
 * a received frame does when it is whole.
 *
 * Left out: adding or removing the four bytes of the check, beats in the middle of a frame that are
 * not full.
 */

`resetall
`timescale 1ns / 1ps
`default_nettype none

module crc32_stream #
(
    parameter DATA_WIDTH = 64
)
(
    input  wire                  clk,
    input  wire                  rst,

    // {bytes kept[6:0], bytes, the first one lowest}; only the last beat of a frame may be short
    input  wire [DATA_WIDTH+6:0] s_axis_tdata,
    input  wire                  s_axis_tvalid,
    output wire                  s_axis_tready,
    input  wire                  s_axis_tlast,

    // {good, crc[31:0], bytes kept[6:0], bytes}
    output wire [DATA_WIDTH+39:0] m_axis_tdata,
    output wire                  m_axis_tvalid,
    input  wire                  m_axis_tready,
    output wire                  m_axis_tlast
);

localparam BYTES = DATA_WIDTH/8;
localparam REACH = DATA_WIDTH < 32 ? DATA_WIDTH : 32;
localparam [31:0] POLYNOMIAL = 32'hedb88320; // bits in the order of the wire
localparam [31:0] RESIDUE = 32'hdebb20e3;    // of the register, after a frame and its CRC

initial begin
    if (DATA_WIDTH < 8 || DATA_WIDTH > 512 || DATA_WIDTH % 8 != 0) begin
        $error("DATA_WIDTH must be a multiple of 8, 8 to 512 (instance %m)");
        $finish;
    end
end

// which bits of a whole beat take part in one bit of the register after it, from a register of zero:
// a bit that comes later has been through the polynomial once less often
function [DATA_WIDTH-1:0] taps;
    input integer row;
    reg [31:0] effect;
    integer i;
    begin
        effect = POLYNOMIAL;
        taps = {DATA_WIDTH{1'b0}};
        for (i = DATA_WIDTH - 1; i >= 0; i = i - 1) begin
            taps[i] = effect[row];
            effect = {1'b0, effect[31:1]} ^ (effect[0] ? POLYNOMIAL : 32'd0);
        end
    end
endfunction

reg [31:0] crc_reg = 32'hffffffff;

wire [6:0] kept = s_axis_tdata[DATA_WIDTH +: 7];
wire [6:0] gap = kept < BYTES[6:0] ? BYTES[6:0] - kept : 7'd0;

// the register meets the first bytes; bytes that are not kept leave at the top, zeros come in below
// and change nothing
reg [DATA_WIDTH-1:0] met;
always @* begin
    met = s_axis_tdata[DATA_WIDTH-1:0];
    met[REACH-1:0] = s_axis_tdata[REACH-1:0] ^ crc_reg[REACH-1:0];
end
wire [DATA_WIDTH-1:0] aligned = met << {gap, 3'b000};

// what of the register met no byte
wire [31:0] rest = kept == 7'd0 ? crc_reg
    : kept == 7'd1 ? {8'd0, crc_reg[31:8]}
    : kept == 7'd2 ? {16'd0, crc_reg[31:16]}
    : kept == 7'd3 ? {24'd0, crc_reg[31:24]} : 32'd0;

// the register after the bytes that are kept: all of them at once
wire [31:0] crc;
genvar row;
generate
    for (row = 0; row < 32; row = row + 1) begin : bits
        localparam [DATA_WIDTH-1:0] TAPS = taps(row);
        assign crc[row] = ^(aligned & TAPS) ^ rest[row];
    end
endgenerate

wire ready;
assign s_axis_tready = ready;

always @(posedge clk) begin
    if (s_axis_tvalid && ready) begin
        crc_reg <= s_axis_tlast ? 32'hffffffff : crc;
    end

    if (rst) begin
        crc_reg <= 32'hffffffff;
    end
end

axis_skid #
(
    .DATA_WIDTH(DATA_WIDTH + 40)
)
out
(
    .clk(clk),
    .rst(rst),
    .s_axis_tdata({crc == RESIDUE, ~crc, s_axis_tdata}),
    .s_axis_tvalid(s_axis_tvalid),
    .s_axis_tready(ready),
    .s_axis_tlast(s_axis_tlast),
    .m_axis_tdata(m_axis_tdata),
    .m_axis_tvalid(m_axis_tvalid),
    .m_axis_tready(m_axis_tready),
    .m_axis_tlast(m_axis_tlast)
);

endmodule

`resetall
