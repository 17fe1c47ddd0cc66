// SPDX-License-Identifier: MIT
// Copyright (c) The Rackwright authors
/*
 * Dequantiser of stored keys and values: a group of integers times its scale, one group a clock.
 *
 * VALUES signed integers of BITS bits and one fp16 scale give VALUES bf16 numbers: the exact
 * product, rounded once to nearest even. Subnormal scales are numbers like others; a product with
 * an infinite or NaN scale is what IEEE 754 says, NaN as 7FC0.
 *
 * Two stages: multiply the significands; find the leading one, round and pack. A bf16 has the
 * exponents of fp32, so that no product is too large or too small for it.
 *
 * Left out: zero points (symmetric quantisation), scales of other formats.
 */

`resetall
`timescale 1ns / 1ps
`default_nettype none

module kv_dequant #
(
    parameter BITS = 8,
    parameter VALUES = 32
)
(
    input  wire                      clk,
    input  wire                      rst,

    // {fp16 scale, integers, first one lowest}
    input  wire [BITS*VALUES+15:0]   s_axis_tdata,
    input  wire                      s_axis_tvalid,
    output wire                      s_axis_tready,
    input  wire                      s_axis_tlast,

    // bf16 numbers, first one lowest
    output wire [16*VALUES-1:0]      m_axis_tdata,
    output wire                      m_axis_tvalid,
    input  wire                      m_axis_tready,
    output wire                      m_axis_tlast
);

localparam WIDTH = BITS + 11;        // of the product of two significands

initial begin
    if (BITS != 4 && BITS != 8) begin
        $error("BITS must be 4 or 8 (instance %m)");
        $finish;
    end
    if (VALUES < 1 || VALUES > 128) begin
        $error("VALUES must be 1 to 128 (instance %m)");
        $finish;
    end
end

wire [15:0] scale = s_axis_tdata[BITS*VALUES +: 16];
wire [4:0] exponent = scale[14:10];
wire [10:0] significand = {|exponent, scale[9:0]};

wire step;
reg s1_valid_reg = 1'b0;
reg s1_last_reg = 1'b0;
reg s1_infinite_reg = 1'b0, s1_nan_reg = 1'b0;
reg [4:0] s1_exponent_reg = 5'd0;
reg [WIDTH*VALUES-1:0] s1_products_reg = {WIDTH*VALUES{1'b0}};
reg [VALUES-1:0] s1_signs_reg = {VALUES{1'b0}};

wire [WIDTH*VALUES-1:0] products;
wire [VALUES-1:0] signs;
wire [16*VALUES-1:0] numbers;

// value = product * 2^(exponent - 25), the exponent of a subnormal being 1
function [15:0] rounded;
    input sign;
    input [WIDTH-1:0] product;
    input [4:0] power;
    integer i;
    reg [4:0] top;
    reg [WIDTH+7:0] shifted;     // the leading one at bit WIDTH+7
    reg [7:0] biased;
    reg up;
    begin
        top = 5'd0;
        for (i = 0; i < WIDTH; i = i + 1) begin
            if (product[i]) top = i[4:0];
        end
        shifted = {product, 8'd0} << (WIDTH - 1 - top);
        biased = {3'd0, top} + {3'd0, power} + 8'd102;
        up = shifted[WIDTH-1] && (shifted[WIDTH] || |shifted[WIDTH-2:0]);
        // a carry out of the fraction goes on into the exponent
        rounded = product == 0 ? {sign, 15'd0}
            : {sign, biased, shifted[WIDTH+6:WIDTH]} + {15'd0, up};
    end
endfunction

genvar lane;
generate
    for (lane = 0; lane < VALUES; lane = lane + 1) begin : value
        wire [BITS-1:0] integer_value = s_axis_tdata[BITS*lane +: BITS];
        wire negative = integer_value[BITS-1];
        wire [BITS-1:0] magnitude = negative ? ~integer_value + 1'b1 : integer_value;
        assign products[WIDTH*lane +: WIDTH] = {11'd0, magnitude} * {{BITS{1'b0}}, significand};
        assign signs[lane] = negative ^ scale[15];

        wire [WIDTH-1:0] product = s1_products_reg[WIDTH*lane +: WIDTH];
        assign numbers[16*lane +: 16] =
            s1_nan_reg || (s1_infinite_reg && product == 0) ? 16'h7fc0
            : s1_infinite_reg ? {s1_signs_reg[lane], 15'h7f80}
            : rounded(s1_signs_reg[lane], product, s1_exponent_reg);
    end
endgenerate

wire out_ready;
assign step = !s1_valid_reg || out_ready;
assign s_axis_tready = step;

always @(posedge clk) begin
    if (step) begin
        s1_valid_reg <= s_axis_tvalid;
        s1_last_reg <= s_axis_tlast;
        s1_nan_reg <= &exponent && |scale[9:0];
        s1_infinite_reg <= &exponent && !(|scale[9:0]);
        s1_exponent_reg <= |exponent ? exponent : 5'd1;
        s1_products_reg <= products;
        s1_signs_reg <= signs;
    end

    if (rst) begin
        s1_valid_reg <= 1'b0;
    end
end

axis_skid #
(
    .DATA_WIDTH(16*VALUES)
)
out
(
    .clk(clk),
    .rst(rst),
    .s_axis_tdata(numbers),
    .s_axis_tvalid(s1_valid_reg),
    .s_axis_tready(out_ready),
    .s_axis_tlast(s1_last_reg),
    .m_axis_tdata(m_axis_tdata),
    .m_axis_tvalid(m_axis_tvalid),
    .m_axis_tready(m_axis_tready),
    .m_axis_tlast(m_axis_tlast)
);

endmodule

`resetall
